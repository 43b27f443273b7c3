"""What a file is, what it is called, and text that Postgres can store.

A file is accepted when its name AND its content agree; the sandboxed parser is the last judge.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from ingestion.errors import DocumentRejected

PDF = "application/pdf"
MARKDOWN = "text/markdown"
TEXT = "text/plain"

HEAD_BYTES = 65_536
"""How much of a file is looked at; a format shows itself long before."""

PDF_HEADER_WITHIN = 1_024
"""Readers accept junk before "%PDF-" up to here; libmagic does not, and misses such files. Only a
file called .pdf gets this benefit: a text may well speak of "%PDF-"."""

MAX_CONTROL_SHARE = 0.01
"""Text has next to no control characters; binary data that happens to decode has many."""

MAX_NAME_CHARS = 255


@dataclass(frozen=True, slots=True)
class _Format:
    media_type: str
    name: str
    extensions: tuple[str, ...]


_SUPPORTED = (
    _Format(PDF, "PDF", (".pdf",)),
    _Format(MARKDOWN, "Markdown", (".md", ".markdown")),
    _Format(TEXT, "plain text", (".txt", "")),
)
_BY_EXTENSION = {ending: one for one in _SUPPORTED for ending in one.extensions}

_BINARY_STARTS = (
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "rich text (RTF)"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_HTML_START = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PDF_HEADER = b"%PDF-"
_UNNAMED = "document"
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\s_\-\u2013\u2014+~]+|\.(?!\d)|(?<!\d)\.")


def sniff(filename: str, data: bytes) -> str:
    """The media type of a file, judged by its name and by its first bytes.

    Args:
        filename: its name; without an extension the content alone decides.
        data: the file, or at least its first `HEAD_BYTES`.

    Raises:
        DocumentRejected: `unsupported`, with what the file looks like; `no_text` when it is empty.
    """
    if not data:
        raise DocumentRejected("The file is empty.", code="no_text")
    ending = extension(filename)
    wanted = _BY_EXTENSION.get(ending)
    found = _looks_like(data[:HEAD_BYTES], called_pdf=ending == ".pdf")
    if isinstance(found, str) or wanted is None:
        seen = found if isinstance(found, str) else f"a {ending} file"
        raise _unsupported(f"The file looks like {seen}.")
    if ending == "" or wanted.media_type == found.media_type:
        return found.media_type
    if found.media_type == TEXT and wanted.media_type == MARKDOWN:
        return MARKDOWN
    raise _unsupported(f"The file is called {ending} but looks like {found.name}.")


def extension(filename: str) -> str:
    """The extension in lower case with its dot; "" for none ("Contract v1.5" has none)."""
    match = _EXTENSION.search(filename)
    return match.group().lower() if match and match.start() > 0 else ""


def encoding_of(data: bytes) -> str:
    """The codec of a text file: by its byte order mark, UTF-8 without one."""
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return codec
    return "utf-8"


def clean_filename(raw: str) -> str:
    """A file name fit to be shown and stored: never empty, no path, nothing invisible.

    Control characters, bidirectional overrides and lone surrogates go; at most 255 characters,
    the extension kept; Unicode NFC. It is still no path: never open a file by it.
    """
    name = re.split(r"[/\\]", raw)[-1]
    name = "".join(" " if char.isspace() else char for char in name)
    kept = (char for char in name if unicodedata.category(char) not in _DROPPED_CATEGORIES)
    name = " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
    if not name.strip(". "):
        return _UNNAMED
    ending = name[len(name) - len(extension(name)) :]
    return name[: MAX_NAME_CHARS - len(ending)].removesuffix(ending).rstrip() + ending


def title_of(filename: str) -> str:
    """A title from a file name: "ACME_AnnualReport-2024.pdf" is "ACME Annual Report 2024"."""
    name = clean_filename(filename)
    stem = name[: len(name) - len(extension(name))]
    words = _CAMEL.sub(" ", _SEPARATORS.sub(" ", stem)).split()
    return " ".join(words) or _UNNAMED


def scrub(text: str) -> str:
    """The text without NUL and lone surrogates, which Postgres cannot store."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _looks_like(head: bytes, *, called_pdf: bool) -> _Format | str:
    """A supported format, or what an unsupported file looks like, for a sentence."""
    pdf_header_within = PDF_HEADER_WITHIN if called_pdf else len(_PDF_HEADER)
    for start, name in _BINARY_STARTS:
        if head.startswith(start):
            return name
    if _HTML_START.match(head):
        return "a web page (HTML)"
    if _PDF_HEADER in head[:pdf_header_within]:
        return _BY_EXTENSION[".pdf"]
    if _is_text(head):
        return _BY_EXTENSION[".txt"]
    return "binary data, or text that is not UTF-8"


def _is_text(head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder(encoding_of(head))()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return len(_CONTROL.findall(text)) <= MAX_CONTROL_SHARE * len(text)


def _unsupported(seen: str) -> DocumentRejected:
    names = ", ".join(
        f"{one.name} ({', '.join(filter(None, one.extensions))})" for one in _SUPPORTED
    )
    return DocumentRejected(f"{seen} Supported are: {names}.", code="unsupported")
