"""Header rows of tables, for the passages that begin in the middle of one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from ingestion.chunk.headings import names_columns
from ingestion.chunk.lines import Kind, Line
from ingestion.documents import Page

MAX_ROWS = 2
"""Of a header: groups of columns, and the columns."""

_DIGIT = re.compile(r"\d")
_RULE = re.compile(r"[\s|:-]+")
"""Markdown's line below a header."""

_PART = re.compile(r"(.*) \((\d+)\)")
"""The label of a page on which a long sheet goes on: see `ingestion.parse.draft`."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows from `start` to `end` of a page's text; those before `body` are the header."""

    start: int
    end: int
    body: int
    header: str


class Headers:
    """Finds the tables of one page after the other; a table of a long sheet goes on on the next."""

    def __init__(self) -> None:
        self._before: Page | None = None
        self._open = ""
        """The header of a table that the page before ended with."""

    def tables(self, page: Page, lines: Sequence[Line]) -> list[Table]:
        """The tables of a page that have a header, in order."""
        carried = self._open if _goes_on(self._before, page) else ""
        found: list[Table] = []
        for index, rows in _runs(lines):
            header = _header(rows)
            if carried and index == 0 and _is_framed(rows[0]):
                found.append(Table(rows[0].start, rows[-1].end, rows[0].start, carried))
            elif header:
                text = "\n".join(row.text.strip() for row in header)
                found.append(Table(rows[0].start, rows[-1].end, header[-1].end, text))
        self._before, self._open = page, ""
        if found and lines and found[-1].end == lines[-1].end and _is_framed(lines[-1]):
            self._open = found[-1].header
        return found


def header_above(tables: Sequence[Table], start: int) -> str:
    """The header of the table in whose body a passage begins; "" elsewhere."""
    return next((one.header for one in tables if one.body <= start < one.end), "")


def _runs(lines: Sequence[Line]) -> Iterator[tuple[int, list[Line]]]:
    """Rows one after the other, with the place of the first; rows with frames are not mixed."""
    index = 0
    for (kind, _), group in groupby(lines, key=lambda line: (line.kind, _is_framed(line))):
        rows = list(group)
        if kind is Kind.TABLE:
            yield index, rows
        index += len(rows)


def _header(rows: Sequence[Line]) -> list[Line]:
    """The first rows, where they name columns and others follow."""
    if not _is_framed(rows[0]):
        found = list(takewhile(lambda row: names_columns(row.text), rows[:MAX_ROWS]))
    elif len(rows) > 1 and _RULE.fullmatch(rows[1].text):
        found = list(rows[:2])
    else:
        found = list(takewhile(lambda row: not _DIGIT.search(row.text), rows[: MAX_ROWS + 1]))
        if len(found) > MAX_ROWS:  # a table of nothing but words
            found = found[:1]
        elif not found and names_columns(rows[0].text):
            found = [rows[0]]
    return found if len(found) < len(rows) else []


def _is_framed(line: Line) -> bool:
    return line.text.lstrip().startswith("|")


def _goes_on(before: Page | None, page: Page) -> bool:
    """Whether a page is only a further piece of the one before."""
    if before is None or before.label is None or page.label is None:
        return before is not None and before.label is None and page.label is None
    match = _PART.fullmatch(page.label)
    if match is None:
        return False
    name, number = match.group(1), int(match.group(2))
    return before.label == (name if number == 2 else f"{name} ({number - 1})")
