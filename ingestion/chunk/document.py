"""A document becomes passages, each with the place it stands in."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingestion.chunk.edges import without_edges
from ingestion.chunk.evenly import bounded, pack_evenly
from ingestion.chunk.headers import Headers, header_above
from ingestion.chunk.headings import HeadingPath, mark_guessed, mark_markdown
from ingestion.chunk.lines import Kind, Line, count_lines, cut_long_lines, split_lines
from ingestion.chunk.outline import entries_by_page, level_of, mark_declared
from ingestion.chunk.pack import MOST_TOKENS, pack
from ingestion.chunk.tables import mark_tables, number_density
from ingestion.cutting import Cutting
from ingestion.documents import Chunk, Page, ParsedDocument
from ingestion.load import DOCX, EPUB, HTML, JSON, JSON_LINES, MARKDOWN, PDF, TEXT
from ingestion.tokens import count_tokens

NAMING_TOKENS = 40
"""A heading after so little text of a passage names it; otherwise a balance sheet would go
by the name of the statement before it."""

CONTEXT_TOKENS = 60
"""Of title and headings together: a sixth of a passage."""

TITLE_TOKENS = 30
"""Of the title, so that the nearest heading has room."""

HEADER_TOKENS = 60
"""Of a table's header, where a passage begins below it."""

_WITH_EDGES = frozenset({PDF, TEXT, MARKDOWN})
"""May repeat a header on every page; the parsers of the others leave those out, and what repeats at
the top of sheets and slides is content."""

_GUESSED = frozenset({PDF, TEXT})
_GUESSED_IF_BARE = frozenset({DOCX, HTML, EPUB})
"""Headings are guessed always, or where the file declares none (bold lines made by hand)."""

_WITHOUT_TABLES = frozenset({JSON, JSON_LINES})
"""Their short lines with figures are values like the others."""


def chunk_document(document: ParsedDocument, cutting: Cutting | None = None) -> list[Chunk]:
    """Cut a document into passages.

    A passage is one slice of one page, `page.text[start:end]`, of about 350 tokens and never more
    than 560; tables stay whole where they fit. Together the passages hold every line but headers
    and footers. They are numbered in reading order, from 0.

    Args:
        document: what was read.
        cutting: passages of other sizes, which may overlap; never of more than 560 tokens either.
    """
    chunks: list[Chunk] = []
    contexts = _Contexts(document.title)
    for one in _passages(document, cutting):
        start, end = _span(one.lines)
        text = one.page.text[start:end]
        heading, context = contexts.of(one.path)
        if one.header:
            context = f"{context}\n{_clip(one.header, HEADER_TOKENS)}"
        chunks.append(
            Chunk(
                ordinal=len(chunks),
                page=one.page.number,
                start=start,
                end=end,
                text=text,
                heading=heading,
                context=context,
                number_density=number_density(text),
                tokens=one.tokens,
            )
        )
    return chunks


class _Passage(NamedTuple):
    """Lines of a page, the headings above them, and the header of the table they stand in."""

    page: Page
    lines: list[Line]
    tokens: int
    path: tuple[str, ...]
    header: str


def _passages(document: ParsedDocument, cutting: Cutting | None) -> Iterator[_Passage]:
    bodies = [split_lines(page.text) for page in document.pages]
    if document.media_type in _WITH_EDGES:
        bodies = without_edges(bodies)
    declared = entries_by_page(document)
    path, headers = HeadingPath(), Headers()
    for page, body in zip(document.pages, bodies, strict=True):
        for entry in mark_declared(body, declared.get(page.number, ())):
            path.enter(level_of(entry), entry.title)
        _prepare(document, page.text, body)
        tables = headers.tables(page, body)
        for lines, tokens in _cut(page.text, body, cutting):
            header = header_above(tables, lines[0].start)
            yield _Passage(page, lines, tokens, _walk(lines, path), header)


def _cut(page: str, lines: list[Line], cutting: Cutting | None) -> Iterator[tuple[list[Line], int]]:
    """Passages of a page, and how many tokens each has."""
    if cutting is None:
        most, passages = MOST_TOKENS, pack(cut_long_lines(page, lines))
    else:
        within = bounded(cutting)
        pieces = cut_long_lines(page, lines, within.most, within.overlap or None)
        most, passages = within.most, pack_evenly(pieces, within)
    seen = 0
    for passage in passages:
        for part, tokens in _within(page, passage, most):
            if part[-1].end > seen:  # else it only repeats
                yield part, tokens
                seen = part[-1].end


def _within(page: str, passage: list[Line], most: int) -> Iterator[tuple[list[Line], int]]:
    """Halve a passage that has more tokens than its lines have together.

    That happens where pieces of one line meet: what merges bytes into tokens sees other words.
    """
    start, end = _span(passage)
    tokens = count_tokens(page[start:end])
    if tokens > most and len(passage) > 1:
        middle = len(passage) // 2
        yield from _within(page, passage[:middle], most)
        yield from _within(page, passage[middle:], most)
    else:
        yield passage, tokens


def _span(lines: Sequence[Line]) -> tuple[int, int]:
    return lines[0].start, lines[-1].end


def _prepare(document: ParsedDocument, page: str, lines: list[Line]) -> None:
    """Set the kinds and token counts of lines."""
    if document.media_type == MARKDOWN:
        mark_markdown(lines)
    if document.media_type not in _WITHOUT_TABLES:
        mark_tables(lines)
    bare = document.media_type in _GUESSED_IF_BARE and not document.outline
    if bare or document.media_type in _GUESSED:
        mark_guessed(lines)
    count_lines(page, lines)


def _walk(passage: Sequence[Line], path: HeadingPath) -> tuple[str, ...]:
    """Move the path to the passage's end; returns the headings that name the passage."""
    named = path.titles
    before = 0
    for line in passage:
        if line.kind is Kind.HEADING:
            path.enter(line.level, line.title)
            if before < NAMING_TOKENS:
                named = path.titles
        else:
            before += line.tokens
    return named


class _Contexts:
    """Title and heading path within their token budget, computed once a path."""

    def __init__(self, title: str) -> None:
        self._title = _clip(title, TITLE_TOKENS)
        self._budget = CONTEXT_TOKENS - count_tokens(self._title)
        self._known: dict[tuple[str, ...], tuple[str, str]] = {}

    def of(self, path: tuple[str, ...]) -> tuple[str, str]:
        """(heading, context); the headings nearest to the passage are kept."""
        if path not in self._known:
            heading = self._heading(path)
            parts = (part for part in (self._title, heading) if part)
            self._known[path] = heading, " > ".join(parts)
        return self._known[path]

    def _heading(self, path: tuple[str, ...]) -> str:
        kept: list[str] = []
        left = self._budget
        for title in reversed(path):
            shown = title if kept else _clip(title, left - 1)
            left -= count_tokens(shown) + 1
            if left < 0:
                break
            kept.insert(0, shown)
        return " > ".join(kept)


def _clip(text: str, tokens: int) -> str:
    """The beginning of a text within so many tokens."""
    count = count_tokens(text)
    while count > tokens:
        text = text[: min(len(text) - 1, len(text) * tokens // count)].rstrip()
        count = count_tokens(text)
    return text
