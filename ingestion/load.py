"""What a file is, what it is called, and text that Postgres can store.

A file is accepted when its name AND its content agree; the sandboxed parser is the last judge.
"""

import re
import unicodedata
from dataclasses import dataclass

from ingestion.encodings import is_text
from ingestion.errors import DocumentRejected
from ingestion.extras import reads_pictures

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
TSV = "text/tab-separated-values"
HTML = "text/html"
EPUB = "application/epub+zip"
JSON = "application/json"
JSON_LINES = "application/x-ndjson"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
WEBP = "image/webp"
IMAGES = frozenset({PNG, JPEG, TIFF, WEBP})
"""Read where words on pictures are recognised."""
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
    _Format(EPUB, "EPUB", (".epub",)),
    _Format(JSON, "JSON", (".json",)),
    _Format(JSON_LINES, "JSON lines", (".jsonl", ".ndjson")),
    _Format(MARKDOWN, "Markdown", (".md", ".markdown")),
    _Format(TEXT, "plain text", (".txt", "")),
    _Format(PNG, "PNG image", (".png",)),
    _Format(JPEG, "JPEG image", (".jpg", ".jpeg")),
    _Format(TIFF, "TIFF image", (".tif", ".tiff")),
    _Format(WEBP, "WebP image", (".webp",)),
)
_BY_EXTENSION = {ending: one for one in _SUPPORTED for ending in one.extensions}

OFFICE = frozenset({DOCX, PPTX, XLSX})
_PACKAGES = OFFICE | {EPUB}
_PLAIN = frozenset({MARKDOWN, CSV, TSV, HTML, JSON, JSON_LINES})
"""Text whose name alone says what kind it is."""

_NEW_FORMATS = {".doc": ".docx", ".dot": ".docx", ".ppt": ".pptx", ".pps": ".pptx"} | {
    ".xls": ".xlsx",
    ".xlt": ".xlsx",
    ".xlsb": ".xlsx",
}
_ZIP_START = b"PK\x03\x04"
_EPUB_START = re.compile(rb"PK\x03\x04.{26}mimetypeapplication/epub\+zip", re.DOTALL)
OLE_START = b"\xd0\xcf\x11\xe0"
"""Of old Office documents, and of new ones with a password."""

_LOCKED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""An Office document with a password is an old Office container with this stream in it."""

_OFFICE_PART = re.compile(rb"PK\x03\x04.{26}(word|ppt|xl)/", re.DOTALL)
"""The name of a ZIP entry, in the folder that tells Office's programs apart."""

_OFFICE_FOLDERS = {b"word": DOCX, b"ppt": PPTX, b"xl": XLSX}
_BINARY_STARTS = (
    (b"{\\rtf", "rich text (RTF)"),
    (b"GIF8", "an image (GIF)"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"BZh", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_IMAGE_STARTS = (
    (re.compile(rb"\x89PNG"), ".png"),
    (re.compile(rb"\xff\xd8\xff"), ".jpg"),
    (re.compile(rb"II\*\x00|MM\x00\*"), ".tif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), ".webp"),
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

    An Office document or a book is judged by its name where its beginning does not tell which it
    is; its parser looks into it.

    Args:
        filename: its name; without an extension the content alone decides.
        data: the file, or at least its first `HEAD_BYTES`.

    Raises:
        DocumentRejected: `unsupported`, with what the file looks like; `encrypted` for an Office
            document with a password and no name that tells what it is; `no_text` when it is empty.
    """
    if not data:
        raise DocumentRejected("The file is empty.", code="no_text")
    ending = extension(filename)
    wanted = _BY_EXTENSION.get(ending)
    if ending in _NEW_FORMATS or data.startswith(OLE_START):
        return _locked_office(ending, data, wanted)
    found = _looks_like(data[:HEAD_BYTES], wanted)
    if isinstance(found, str) or wanted is None:
        seen = found if isinstance(found, str) else f"a {ending} file"
        raise _unsupported(f"The file looks like {seen}.")
    both_images = {wanted.media_type, found.media_type} <= IMAGES  # their names are often wrong
    if ending == "" or wanted.media_type == found.media_type or both_images:
        return found.media_type
    if found.media_type == TEXT and wanted.media_type in _PLAIN:
        return wanted.media_type
    raise _unsupported(f"The file is called {ending} but looks like {found.name}.")


def is_supported(filename: str) -> bool:
    """Whether a file of that name is worth looking into; without an extension it is not.

    A picture is where its words are recognised.
    """
    found = _BY_EXTENSION.get(extension(filename) or "none")
    return found is not None and (found.media_type not in IMAGES or reads_pictures())


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
    by_start = _known_start(head)
    if by_start is not None:
        return by_start
    if head.startswith(_ZIP_START):
        return _package(head, wanted)
    if _HTML_START.match(head):
        return _BY_EXTENSION[".html"]
    if _PDF_HEADER in head[:pdf_header_within]:
        return _BY_EXTENSION[".pdf"]
    return _BY_EXTENSION[".txt"] if is_text(head) else "binary data, or text that is not UTF-8"


def _known_start(head: bytes) -> _Format | str | None:
    """An image, or the name of what is not read; None for anything else."""
    for pattern, ending in _IMAGE_STARTS:
        if pattern.match(head):
            return _BY_EXTENSION[ending]
    return next((name for start, name in _BINARY_STARTS if head.startswith(start)), None)


def _package(head: bytes, wanted: _Format | None) -> _Format | str:
    """Which document a ZIP archive is, by what it begins with, else by its name."""
    if _EPUB_START.match(head):
        return _BY_EXTENSION[".epub"]
    part = _OFFICE_PART.search(head)
    if part:
        media_type = _OFFICE_FOLDERS[part.group(1)]
        return next(one for one in _SUPPORTED if one.media_type == media_type)
    return wanted if wanted and wanted.media_type in _PACKAGES else "a ZIP archive"


def _locked_office(ending: str, data: bytes, wanted: _Format | None) -> str:
    """The media type of a document that is locked; what is in it, its parser sees."""
    if _LOCKED_PACKAGE in data:
        if wanted is not None and wanted.media_type in OFFICE:
            return wanted.media_type
        raise DocumentRejected(
            "The document needs a password, and its name does not tell what it is. Name it .docx, "
            ".xlsx or .pptx, or save a copy without a password and upload that.",
            code="encrypted",
        )
    new = _NEW_FORMATS.get(ending, ".docx, .xlsx or .pptx")
    raise _unsupported(f"The file is in an old Office format. Save it as {new}.")


def _unsupported(seen: str) -> DocumentRejected:
    names = ", ".join(
        f"{one.name} ({', '.join(filter(None, one.extensions))})" for one in _SUPPORTED
    )
    return DocumentRejected(f"{seen} Supported are: {names}.", code="unsupported")
