"""A page's text becomes the smallest units worth quoting: sentences and table rows."""

import enum
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiconvokit.chat.sentences import sentences, trimmed

TABLE_SHARE = 0.3
"""From this share of numeric tokens on a line is a table row (the chunker's figure)."""

SHORT_LINE = 0.6
"""A line shorter than this share of the page's long lines was ended by its author."""

FULL_LINE = 60
"""Characters from which on a line of prose may run on into a line of figures; a title does not."""

LABEL_WORDS = 10
"""A line of at most so many words right above lines of bare numbers is their label."""

MAX_CELLS = 8
"""So many lines of bare numbers belong to one label; more are a column, not a row."""

CONNECTING = 3
"""So many words of a sentence behind a line's first figure make it prose; "1 to 3" is a row's."""

_CONNECTING_LIST = """
by to from in and of was were with while which than the um auf von im und der die das während"""
_CONNECTING = frozenset(_CONNECTING_LIST.split())
_STOPPED = re.compile(r"[^\W\d_]{4,}\)?\.|[\d.,]+\s?%?\)\.")

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_NUMERIC = re.compile(
    r"[(\[+\u2212$\u20ac\u00a3\u00a5-]*\d[\d,.'%)\]\u2019]*|[\u2014\u2013-]+|[$%)\u20ac\u00a3]"
)
_BULLET = re.compile(r"\s*(?:[-*\u2022\u25aa\u25cf\u2013]|\d{1,3}[.)]|\([a-z\d]{1,4}\))\s")
_MARKDOWN_ROW = re.compile(r"\s*\|.*\|\s*")
MARKDOWN_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_LETTER = re.compile(r"[^\W\d_]")
_ENDED = (".", "!", "?", ":", ";", "\u3002", "\uff01", "\uff1f")
_GOES_ON = (",", "-", "\u2013", "(", "&")


@dataclass(frozen=True, slots=True)
class Unit:
    """`page_text[start:end]`: one sentence, or one table row when `is_row`."""

    start: int
    end: int
    is_row: bool


class _Kind(enum.Enum):
    PROSE = enum.auto()
    ROW = enum.auto()  # a label and its figures
    CELLS = enum.auto()  # figures alone


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    text: str
    kind: _Kind
    blank_above: bool

    @property
    def ended(self) -> bool:
        return self.text.endswith(_ENDED)


def split_units(text: str) -> list[Unit]:
    """Cut a page's text into units, in their order; together they cover all but white space.

    Text out of a PDF breaks its lines inside sentences, so a line end ends no sentence in prose. A
    line of figures is a row of its own, with the label line above it when it has no label.
    """
    lines = _lines(text)
    units: list[Unit] = []
    for group in _groups(lines, _long_line(lines)):
        start, end = group[0].start, group[-1].end
        is_row = group[0].kind is not _Kind.PROSE or group[-1].kind is _Kind.CELLS
        spans = trimmed(text, start, end) if is_row else sentences(text, start, end)
        units += [Unit(span.start, span.end, is_row) for span in spans]
    return units


def _lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    end = 0
    for match in _LINE.finditer(text):
        body = match.group().strip()
        if not body:
            continue
        blank = text.count("\n", end, match.start()) > 1
        lines.append(_Line(match.start(), match.end(), body, _kind(body), blank))
        end = match.end()
    return lines


def _kind(line: str) -> _Kind:
    if _MARKDOWN_ROW.fullmatch(line):
        return _Kind.ROW
    tokens = line.split()
    if all(map(_is_figure, tokens)):
        return _Kind.CELLS if any(c.isdigit() for c in line) else _Kind.PROSE
    if line.endswith(_ENDED) or _BULLET.match(line):
        return _Kind.PROSE
    figures = list(map(_is_figure, tokens))
    dense = sum(figures) / len(tokens) >= TABLE_SHARE
    is_row = dense or _ends_in_cells(tokens, figures)
    return _Kind.ROW if is_row and not _runs_as_prose(line, tokens, figures) else _Kind.PROSE


def _runs_as_prose(line: str, tokens: Sequence[str], figures: Sequence[bool]) -> bool:
    """Whether a full line goes on as no row does behind its first figure: "rose by 5 to 9. It"."""
    if len(line) < FULL_LINE or True not in figures:
        return False
    behind = tokens[figures.index(True) + 1 :]
    return len(_CONNECTING.intersection(behind)) >= CONNECTING or any(
        _STOPPED.fullmatch(one) and after[0].isupper() for one, after in itertools.pairwise(behind)
    )


def _is_figure(token: str) -> bool:
    return not token[0].isalpha() and bool(_NUMERIC.fullmatch(token))


def _ends_in_cells(tokens: Sequence[str], figures: Sequence[bool]) -> bool:
    """Two figures at the end make a row of a long label too; "31, 2017" is a date, no cells."""
    return len(tokens) > 2 and all(figures[-2:]) and not tokens[-2].endswith(",")


def _long_line(lines: Sequence[_Line]) -> int:
    """How long the page's full lines of prose are, in characters."""
    lengths = sorted(len(line.text) for line in lines if line.kind is _Kind.PROSE)
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def _groups(lines: Sequence[_Line], long_line: int) -> Iterator[list[_Line]]:
    """Lines that belong together: a paragraph, a row, a label with its cells."""
    group: list[_Line] = []
    for line in lines:
        if group and not _joins(group, line, SHORT_LINE * long_line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _joins(group: Sequence[_Line], line: _Line, short: float) -> bool:
    last = group[-1]
    if line.kind is _Kind.CELLS:
        return _is_label(group) or (last is not group[0] and _takes_cell(group))
    if group[0].kind is not _Kind.PROSE or last.kind is _Kind.CELLS:
        return False
    if line.kind is _Kind.ROW:
        runs_on = last.kind is _Kind.PROSE and len(last.text) >= max(short, FULL_LINE)
        return runs_on and not last.ended and line.text[:1] != "|"
    return not _breaks(last, line, short)


def _is_label(group: Sequence[_Line]) -> bool:
    line = group[0]
    return (
        len(group) == 1
        and line.kind is _Kind.PROSE
        and not line.ended
        and len(line.text.split()) <= LABEL_WORDS
        and bool(_LETTER.search(line.text))
    )


def _takes_cell(group: Sequence[_Line]) -> bool:
    return group[-1].kind is _Kind.CELLS and len(group) <= MAX_CELLS


def _breaks(last: _Line, line: _Line, short: float) -> bool:
    """Whether a new paragraph begins with `line`."""
    first = _LETTER.search(line.text)
    begins_small = first is not None and first.group().islower()
    if MARKDOWN_HEADING.match(line.text) or MARKDOWN_HEADING.match(last.text):
        return True
    if _BULLET.match(line.text):
        return last.ended or last.text.endswith((",", " and", " or")) or len(last.text) < short
    if last.text.isupper() and not line.text.isupper():
        return True
    closed = last.ended or not last.text.endswith(_GOES_ON)
    return closed and not begins_small and (line.blank_above or len(last.text) < short)
