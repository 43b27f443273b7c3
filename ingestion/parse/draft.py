"""Pages while they are written, for formats that are read piece by piece."""

import re
from collections.abc import Sequence

from ingestion.documents import OutlineEntry, Page, ParsedDocument
from ingestion.errors import DocumentRejected
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_text
from ingestion.parse.progress import check_characters, check_pages
from ingestion.parse.text import PAGE_CHARS, split_pages

MAX_LABEL_CHARS = 40
MAX_HEADING_CHARS = 300
"""A longer "heading" is a paragraph that somebody set in a heading's style."""

MAX_LABEL_WORDS = 12
"""A row's only cell is a label up to here, as the chunker sees it."""

_LINE_BREAKS = re.compile(r"\s*\n\s*")


class Draft:
    """Collects text and keeps the limits while it does.

    Text is cleaned before it is put down, so that the places of headings are exact. Paragraphs are
    apart by a blank line, the rows of a table are not. A page of more than `PAGE_CHARS` goes on on
    another page, with its label and a number.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pages: list[Page] = []
        self._outline: list[OutlineEntry] = []
        self._pieces: list[str] = []
        self._length = 0
        self._label = ""
        self._part = 1
        self._open = False
        self._after_row = False
        self._characters = 0

    def page(self, label: str = "") -> None:
        """Begin a page; the one before is kept even when it is empty."""
        if self._open:
            self._close()
        self._label = " ".join(clean_text(label).split())[:MAX_LABEL_CHARS]
        self._part = 1
        self._open = True

    def place(self, level: int, title: str) -> None:
        """A heading that stands above what follows, and not in the text."""
        title = " ".join(clean_text(title).split())
        if title:
            self._outline.append(OutlineEntry(level, title[:MAX_HEADING_CHARS], self._number))

    def heading(self, level: int, text: str) -> None:
        """A heading of a level from 1, on a line of its own."""
        text = " ".join(clean_text(text).split())
        if not text:
            return
        start = self._put(text, row=False)
        if len(text) <= MAX_HEADING_CHARS:
            self._outline.append(OutlineEntry(level, text, self._number, start))

    def paragraph(self, text: str) -> None:
        """A paragraph, of one line or of several; a blank one is none."""
        text = clean_text(text)
        if text.strip():
            self._put(text, row=False)

    def row(self, cells: Sequence[str]) -> None:
        """A row of a table, as Markdown writes it; a sentence alone in a row is a paragraph."""
        texts = [_LINE_BREAKS.sub(" ", clean_text(cell)).strip() for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        if len(texts) == 1 and len(texts[0].split()) > MAX_LABEL_WORDS:
            self._put(texts[0], row=False)
        elif texts:
            self._put(f"| {' | '.join(texts)} |", row=True)

    def finish(self, media_type: str, title: str) -> ParsedDocument:
        """The document.

        Raises:
            DocumentRejected: `no_text` when nothing was written.
        """
        if self._open:
            self._close()
        if not any(page.text for page in self._pages):
            raise DocumentRejected("The file holds no text.", code="no_text")
        return ParsedDocument(media_type, title, tuple(self._pages), tuple(self._outline))

    @property
    def _number(self) -> int:
        return len(self._pages) + 1

    def _put(self, text: str, *, row: bool) -> int:
        """Write, on as many pages as it takes; where the text begins on its first page."""
        self._characters += len(text) + 2
        check_characters(self._characters, self._limits)
        self._open = True
        if self._length and self._length + len(text) > PAGE_CHARS:
            self._turn()
        gap = "" if not self._length else "\n" if row and self._after_row else "\n\n"
        start = self._length + len(gap)
        first, *others = split_pages(text)
        self._write(gap + first)
        for piece in others:
            self._turn()
            self._write(piece)
        self._after_row = row
        return start

    def _write(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)

    def _turn(self) -> None:
        """Go on on another page."""
        self._close()
        self._part += 1
        self._open = True

    def _close(self) -> None:
        check_pages(len(self._pages) + 1, self._limits)
        part = f" ({self._part})" if self._part > 1 else ""
        label = f"{self._label}{part}" if self._label else None
        self._pages.append(Page(self._number, label, "".join(self._pieces)))
        self._pieces, self._length, self._open = [], 0, False
