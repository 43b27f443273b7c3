"""The lines of a page, as spans of its text; nothing here changes a character."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from ingestion.tokens import count_each, count_tokens

TARGET_TOKENS = 350
"""Of a passage. Anything from 200 to 350 finds the same; larger means fewer vectors."""

PIECE_CHARS = 400
"""A line longer than a passage is cut into pieces of about this size, small enough to fill passages
well, large enough to end with a sentence."""

LEAST_PIECE_CHARS = 40
"""Of a piece that is to be smaller: some words of any sentence."""

PIECE_FILL = 0.75
"""Of the tokens that a smaller piece may have: some stretches of a line have more than others."""

_SENTENCE_END = re.compile(r"[.!?;:][\"'”’)\]]*\s|[。！？；]")  # noqa: RUF001 - CJK marks are meant
_SPACE = re.compile(r"\s")


class Kind(Enum):
    """What a line is, for packing."""

    TEXT = "text"
    TABLE = "table"
    HEADING = "heading"


@dataclass(slots=True)
class Line:
    """`page_text[start:end]`, without its line break and never blank.

    `tokens` also counts the blank space up to the next line: an upper bound for what the line adds.
    `level` and `title` are those of a heading; a lower level stands above.
    """

    start: int
    end: int
    text: str
    tokens: int = 0
    kind: Kind = Kind.TEXT
    level: int = 0
    title: str = ""
    paragraph_ends: bool = False


def split_lines(text: str) -> list[Line]:
    """The lines of a page that are not blank, not yet counted."""
    lines: list[Line] = []
    start = 0
    for raw in text.split("\n"):
        kept = raw.rstrip()
        if kept:
            lines.append(Line(start, start + len(kept), kept))
        elif lines:
            lines[-1].paragraph_ends = True
        start += len(raw) + 1
    return lines


def count_lines(page: str, lines: Sequence[Line]) -> None:
    """Set `tokens` of consecutive lines."""
    ends = [line.start for line in lines[1:]] + [lines[-1].end] if lines else []
    counts = count_each(page[line.start : end] for line, end in zip(lines, ends, strict=True))
    for line, tokens in zip(lines, counts, strict=True):
        line.tokens = tokens


def cut_long_lines(
    page: str, lines: Sequence[Line], most: int = TARGET_TOKENS, piece: int | None = None
) -> list[Line]:
    """The same lines, long ones cut into pieces.

    Args:
        page: the text that they are lines of.
        lines: counted.
        most: tokens that no line has afterwards.
        piece: tokens that a piece is to have about, and a line at most; None: what fits well.
    """
    result: list[Line] = []
    for line in lines:
        if line.tokens <= (most if piece is None else piece):
            result.append(line)
            continue
        size = PIECE_CHARS if piece is None else _chars(line, piece)
        pieces = [
            Line(start, end, page[start:end]) for start, end in _pieces(page, line, size, most)
        ]
        pieces[0].kind, pieces[0].level, pieces[0].title = line.kind, line.level, line.title
        pieces[-1].paragraph_ends = line.paragraph_ends
        count_lines(page, pieces)
        result.extend(pieces)
    return result


def _chars(line: Line, tokens: int) -> int:
    """Characters of the line that make so many tokens, or some fewer."""
    chars = int(PIECE_FILL * tokens * len(line.text) / line.tokens)
    return min(PIECE_CHARS, max(LEAST_PIECE_CHARS, chars))


def _pieces(page: str, line: Line, size: int, most: int) -> Iterator[tuple[int, int]]:
    start = line.start
    while start < line.end:
        end = line.end if line.end - start <= size else _cut(page, start, start + size)
        yield from _within(page, start, end, most)
        start = end


def _cut(page: str, start: int, end: int) -> int:
    """The best place to cut in the second half of a piece: a sentence's end, a space, anywhere."""
    middle = (start + end) // 2
    for boundary in (_SENTENCE_END, _SPACE):
        ends = [match.end() for match in boundary.finditer(page, middle, end)]
        if ends:
            return ends[-1]
    while end > middle and unicodedata.category(page[end]).startswith("M"):
        end -= 1  # a vowel or tone mark stays with its letter
    return end


def _within(page: str, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Halve a piece until it has `most` tokens (a rare script takes four tokens a letter)."""
    while start < end and page[start].isspace():
        start += 1
    stop = start + len(page[start:end].rstrip())
    if start == stop:
        return
    if count_tokens(page[start:stop]) <= most:
        yield start, stop
    else:
        middle = (start + stop) // 2
        yield from _within(page, start, middle, most)
        yield from _within(page, middle, stop, most)
