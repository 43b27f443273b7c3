"""Plain text, and what Markdown shares with it."""

from ingestion.documents import Page, ParsedDocument
from ingestion.encodings import decode
from ingestion.errors import DocumentRejected
from ingestion.load import TEXT, title_of
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_pages
from ingestion.parse.progress import PagesKnown, check_characters, check_pages

PAGE_CHARS = 50_000
"""A text has no pages; it is one page up to here, since a page is fetched and shown whole."""


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a text file; a form feed begins a page.

    Raises:
        DocumentRejected: `unsupported` when its encoding is not read, `no_text` when it is blank.
        DocumentTooComplex: a limit was hit.
    """
    sheets = clean_pages(decode(data).removesuffix("\f").split("\f"))
    texts = [page for sheet in sheets for page in split_pages(sheet)]
    return ParsedDocument(TEXT, title_of(filename), number_pages(texts, limits, known))


def number_pages(texts: list[str], limits: Limits, known: PagesKnown) -> tuple[Page, ...]:
    """Pages from their texts, within the limits."""
    check_pages(len(texts), limits)
    known(len(texts))
    check_characters(sum(map(len, texts)), limits)
    if not any(texts):
        raise DocumentRejected("The file holds only blank space.", code="no_text")
    return tuple(Page(number, None, text) for number, text in enumerate(texts, 1))


def split_pages(text: str) -> list[str]:
    """Cut a long text into pages: between paragraphs, else lines, else words, else anywhere."""
    pages, start = [], 0
    while len(text) - start > PAGE_CHARS:
        most = start + PAGE_CHARS
        ends = (text.rfind(mark, start + PAGE_CHARS // 2, most) for mark in ("\n\n", "\n", " "))
        cut = next((end for end in ends if end > 0), most)
        pages.append(text[start:cut].strip("\n"))
        start = cut
    return [*pages, text[start:].strip("\n")]
