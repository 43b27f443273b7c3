"""Markdown keeps its source as page text, so that quotes are verbatim."""

from ingestion.documents import ParsedDocument
from ingestion.encodings import decode
from ingestion.load import MARKDOWN
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_pages
from ingestion.parse.progress import PagesKnown
from ingestion.parse.text import number_pages, split_pages
from ingestion.parse.titles import choose_title


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a Markdown file; its `#` lines become headings when it is cut into passages.

    Raises:
        DocumentRejected: `unsupported` when its encoding is not read, `no_text` when it is blank.
        DocumentTooComplex: a limit was hit.
    """
    [text] = clean_pages([decode(data)])
    heading = next((line[2:] for line in text.split("\n") if line.startswith("# ")), "")
    title = choose_title(filename, heading)
    return ParsedDocument(MARKDOWN, title, number_pages(split_pages(text), limits, known))
