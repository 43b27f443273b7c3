"""What a file is, what it is called, and text that Postgres can store.

A file is accepted when its name AND its content agree; the sandboxed parser is the last judge.
"""

import re
import unicodedata
from dataclasses import dataclass

from ingestion.encodings import is_text
from ingestion.errors import DocumentRejected

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
TSV = "text/tab-separated-values"
HTML = "text/html"
MARKDOWN = "text/markdown"
TEXT = "text/plain"

HEAD_BYTES = 65_536
"""How much of a file is looked at; a format shows itself long before."""

PDF_HEADER_WITHIN = 1_024
"""Readers accept junk before "%PDF-" up to here; libmagic does not, and misses such files. Only a
file called .pdf gets this benefit: a text may well speak of "%PDF-"."""

MAX_NAME_CHARS = 255


@dataclass(frozen=True, slots=True)
class _Format:
    media_type: str
    name: str
    extensions: tuple[str, ...]


_SUPPORTED = (
    _Format(PDF, "PDF", (".pdf",)),
    _Format(DOCX, "Word", (".docx", ".docm")),
    _Format(PPTX, "PowerPoint", (".pptx", ".pptm")),
    _Format(XLSX, "Excel", (".xlsx", ".xlsm")),
    _Format(CSV, "CSV", (".csv",)),
    _Format(TSV, "TSV", (".tsv",)),
    _Format(HTML, "HTML", (".html", ".htm")),
    _Format(MARKDOWN, "Markdown", (".md", ".markdown")),
    _Format(TEXT, "plain text", (".txt", "")),
)
_BY_EXTENSION = {ending: one for one in _SUPPORTED for ending in one.extensions}

_OFFICE = frozenset({DOCX, PPTX, XLSX})
_PLAIN = frozenset({MARKDOWN, CSV, TSV, HTML})
"""Text whose name alone says what kind it is."""

_NEW_FORMATS = {".doc": ".docx", ".dot": ".docx", ".ppt": ".pptx", ".pps": ".pptx"} | {
    ".xls": ".xlsx",
    ".xlt": ".xlsx",
    ".xlsb": ".xlsx",
}
_ZIP_START = b"PK\x03\x04"
_OLE_START = b"\xd0\xcf\x11\xe0"
_LOCKED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""An Office document with a password is an old Office container with this stream in it."""

_OFFICE_PART = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)/", re.DOTALL)
"""The name of a ZIP entry, in the folder that tells Office's programs apart."""

_OFFICE_FOLDERS = {b"word": DOCX, b"ppt": PPTX, b"xl": XLSX}
_BINARY_STARTS = (
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
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,1000}?-->\s*)?"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_PDF_HEADER = b"%PDF-"
_UNNAMED = "document"
_DROPPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[\s_\-\u2013\u2014+~]+|\.(?!\d)|(?<!\d)\.")


def sniff(filename: str, data: bytes) -> str:
    """The media type of a file, judged by its name and by its first bytes.

    An Office document is judged by its name where its beginning does not tell which it is; its
    parser looks into it.

    Args:
        filename: its name; without an extension the content alone decides.
        data: the file, or at least its first `HEAD_BYTES`.

    Raises:
        DocumentRejected: `unsupported`, with what the file looks like; `encrypted` for an Office
            document with a password; `no_text` when it is empty.
    """
    if not data:
        raise DocumentRejected("The file is empty.", code="no_text")
    ending = extension(filename)
    if ending in _NEW_FORMATS or data.startswith(_OLE_START):
        raise _old_office(ending, data)
    wanted = _BY_EXTENSION.get(ending)
    found = _looks_like(data[:HEAD_BYTES], wanted)
    if isinstance(found, str) or wanted is None:
        seen = found if isinstance(found, str) else f"a {ending} file"
        raise _unsupported(f"The file looks like {seen}.")
    if ending == "" or wanted.media_type == found.media_type:
        return found.media_type
    if found.media_type == TEXT and wanted.media_type in _PLAIN:
        return wanted.media_type
    raise _unsupported(f"The file is called {ending} but looks like {found.name}.")


def is_supported(filename: str) -> bool:
    """Whether a file of that name is worth looking into; without an extension it is not."""
    ending = extension(filename)
    return ending != "" and ending in _BY_EXTENSION


def extension(filename: str) -> str:
    """The extension in lower case with its dot; "" for none ("Contract v1.5" has none)."""
    match = _EXTENSION.search(filename)
    return match.group().lower() if match and match.start() > 0 else ""


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


def _looks_like(head: bytes, wanted: _Format | None) -> _Format | str:
    """A supported format, or what an unsupported file looks like, for a sentence."""
    called_pdf = wanted is not None and wanted.media_type == PDF
    pdf_header_within = PDF_HEADER_WITHIN if called_pdf else len(_PDF_HEADER)
    for start, name in _BINARY_STARTS:
        if head.startswith(start):
            return name
    if head.startswith(_ZIP_START):
        return _office(head, wanted)
    if _HTML_START.match(head):
        return _BY_EXTENSION[".html"]
    if _PDF_HEADER in head[:pdf_header_within]:
        return _BY_EXTENSION[".pdf"]
    return _BY_EXTENSION[".txt"] if is_text(head) else "binary data, or text that is not UTF-8"


def _office(head: bytes, wanted: _Format | None) -> _Format | str:
    """Which Office document a ZIP archive is, by what it begins with, else by its name."""
    part = _OFFICE_PART.search(head)
    if part:
        media_type = _OFFICE_FOLDERS[part.group(1)]
        return next(one for one in _SUPPORTED if one.media_type == media_type)
    return wanted if wanted and wanted.media_type in _OFFICE else "a ZIP archive"


def _old_office(ending: str, data: bytes) -> DocumentRejected:
    if _LOCKED_PACKAGE in data:
        return DocumentRejected(
            "The document needs a password. Save a copy without one and upload that.",
            code="encrypted",
        )
    new = _NEW_FORMATS.get(ending, ".docx, .xlsx or .pptx")
    return _unsupported(f"The file is in an old Office format. Save it as {new}.")


def _unsupported(seen: str) -> DocumentRejected:
    names = ", ".join(
        f"{one.name} ({', '.join(filter(None, one.extensions))})" for one in _SUPPORTED
    )
    return DocumentRejected(f"{seen} Supported are: {names}.", code="unsupported")
