"""Which parser reads which media type."""

from importlib import import_module
from typing import Protocol, cast

from ingestion.documents import ParsedDocument
from ingestion.errors import DocumentRejected
from ingestion.load import CSV, DOCX, HTML, MARKDOWN, PDF, PPTX, TEXT, TSV, XLSX, sniff
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
    MARKDOWN: "ingestion.parse.markdown",
    TEXT: "ingestion.parse.text",
}
"""By name: a child imports the one parser it needs, since openpyxl alone takes 0.4 s."""


class _Parser(Protocol):
    def parse(
        self, data: bytes, filename: str, limits: Limits, known: PagesKnown
    ) -> ParsedDocument: ...


def parse(
    data: bytes,
    media_type: str,
    filename: str,
    limits: Limits,
    known: PagesKnown = lambda _pages: None,
) -> ParsedDocument:
    """Parse a file in this process; for files of strangers see `ingestion.parse.sandbox`.

    Args:
        data: the file.
        media_type: what `ingestion.load.sniff` found.
        filename: for the title.
        limits: what it may cost.
        known: told the number of pages before the long work begins.

    Raises:
        DocumentRejected: the file cannot be read, or a limit was hit (DocumentTooComplex).
    """
    module = _PARSERS.get(media_type)
    if module is None:
        sniff(filename, data)  # says what is wrong with the file
        raise DocumentRejected(f"Files of type {media_type} are not read.", code="unsupported")
    parser = cast("_Parser", import_module(module))
    return parser.parse(data, filename, limits, known)
