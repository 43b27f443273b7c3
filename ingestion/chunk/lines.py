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


def cut_long_lines(page: str, lines: Sequence[Line]) -> list[Line]:
    """The same lines, those of more than a passage cut into pieces."""
    result: list[Line] = []
    for line in lines:
        if line.tokens <= TARGET_TOKENS:
            result.append(line)
            continue
        pieces = [Line(start, end, page[start:end]) for start, end in _pieces(page, line)]
        pieces[0].kind, pieces[0].level, pieces[0].title = line.kind, line.level, line.title
        pieces[-1].paragraph_ends = line.paragraph_ends
        count_lines(page, pieces)
        result.extend(pieces)
    return result


def _pieces(page: str, line: Line) -> Iterator[tuple[int, int]]:
    start = line.start
    while start < line.end:
        end = (
            line.end if line.end - start <= PIECE_CHARS else _cut(page, start, start + PIECE_CHARS)
        )
        yield from _within_target(page, start, end)
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


def _within_target(page: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Halve a piece until it is a passage at most (a rare script takes four tokens a letter)."""
    while start < end and page[start].isspace():
        start += 1
    stop = start + len(page[start:end].rstrip())
    if start == stop:
        return
    if count_tokens(page[start:stop]) <= TARGET_TOKENS:
        yield start, stop
    else:
        middle = (start + stop) // 2
        yield from _within_target(page, start, middle)
        yield from _within_target(page, middle, stop)
