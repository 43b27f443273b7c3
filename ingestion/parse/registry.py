"""Which parser reads which media type."""

from importlib import import_module
from typing import Protocol, cast

from ingestion.documents import ParsedDocument
from ingestion.errors import DocumentRejected
from ingestion.load import MARKDOWN, PDF, TEXT
from ingestion.parse.limits import Limits
from ingestion.parse.progress import PagesKnown

_PARSERS = {
    PDF: "ingestion.parse.pdf",
    MARKDOWN: "ingestion.parse.markdown",
    TEXT: "ingestion.parse.text",
}
"""By name: a child imports the one parser it needs, since pypdf alone takes 0.15 s."""


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
        raise DocumentRejected(f"Files of type {media_type} are not read.", code="unsupported")
    parser = cast("_Parser", import_module(module))
    return parser.parse(data, filename, limits, known)
