"""Which parser reads which media type."""

from importlib import import_module
from typing import Protocol, cast

from ingestion.documents import ParsedDocument
from ingestion.load import (
    CSV,
    DOCX,
    EPUB,
    HTML,
    IMAGES,
    JSON,
    JSON_LINES,
    MARKDOWN,
    OFFICE,
    OLE_START,
    PDF,
    PPTX,
    TEXT,
    TSV,
    XLSX,
    sniff,
)
from ingestion.parse.aids import Aids
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown

_PARSERS = {
    PDF: "ingestion.parse.pdf",
    DOCX: "ingestion.parse.word",
    PPTX: "ingestion.parse.slides",
    XLSX: "ingestion.parse.sheets",
    CSV: "ingestion.parse.delimited",
    TSV: "ingestion.parse.delimited",
    HTML: "ingestion.parse.web",
    EPUB: "ingestion.parse.book",
    JSON: "ingestion.parse.values",
    JSON_LINES: "ingestion.parse.values",
    MARKDOWN: "ingestion.parse.markdown",
    TEXT: "ingestion.parse.text",
    **dict.fromkeys(IMAGES, "ingestion.parse.images"),
}
"""By name: a child imports the one parser it needs, since openpyxl alone takes 0.4 s."""

MODULES = sorted({*_PARSERS.values()})
"""Each once."""

_AIDED = frozenset({PDF, *IMAGES})
_UNAIDED = Aids()


class _Parser(Protocol):
    def parse(
        self, data: bytes, filename: str, limits: Limits, known: PagesKnown
    ) -> ParsedDocument: ...


class _AidedParser(Protocol):
    def parse(
        self, data: bytes, filename: str, limits: Limits, known: PagesKnown, aids: Aids
    ) -> ParsedDocument: ...


def parse(
    data: bytes,
    media_type: str,
    filename: str,
    limits: Limits,
    known: PagesKnown = lambda _pages: None,
    aids: Aids = _UNAIDED,
) -> ParsedDocument:
    """Parse a file in this process; for files of strangers see `ingestion.parse.sandbox`.

    Args:
        data: the file.
        media_type: what `ingestion.load.sniff` found.
        filename: for the title.
        limits: what it may cost.
        known: told the number of pages before the long work begins.
        aids: what helps to read it.

    Raises:
        DocumentRejected: the file cannot be read, or a limit was hit (DocumentTooComplex).
        Unread: words on pictures are to be recognised first.
    """
    if media_type not in _PARSERS:
        media_type = sniff(filename, data)  # of the whole file, or it says what is wrong with it
    if media_type in OFFICE and data.startswith(OLE_START):
        data = _unlocked(data, aids.password)
    parser = import_module(_PARSERS[media_type])
    if media_type in _AIDED:
        return cast("_AidedParser", parser).parse(data, filename, limits, known, aids)
    return cast("_Parser", parser).parse(data, filename, limits, known)


def module_of(media_type: str) -> str:
    """The module that reads a type; of what no parser claims, the simplest."""
    return _PARSERS.get(media_type, _PARSERS[TEXT])


def _unlocked(data: bytes, password: str | None) -> bytes:
    from ingestion.parse.office_lock import unlock  # noqa: PLC0415 - few files have a password

    return unlock(data, password)
