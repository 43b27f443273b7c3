"""Lines become passages of one page."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from ingestion.chunk.lines import TARGET_TOKENS, Kind, Line

MOST_TOKENS = 560
"""A table up to here stays whole; no passage is longer."""

OPENING_TOKENS = TARGET_TOKENS // 3
"""A heading opens a new passage when the current one has at least so much."""

CARRIED_TOKENS = TARGET_TOKENS // 4
"""At most so much moves to the next passage for the sake of a better cut."""

TAIL_TOKENS = TARGET_TOKENS // 5
"""A last passage shorter than that joins the one before."""

_SENTENCE_ENDS = (".", "!", "?", ":", ";", "”", '"', "。", "！", "？")  # noqa: RUF001 - CJK


def pack(lines: Sequence[Line]) -> list[list[Line]]:
    """Passages of consecutive lines: every line in exactly one, none empty, in order."""
    packer = _Packer()
    for is_table, group in groupby(lines, key=lambda line: line.kind is Kind.TABLE):
        if is_table:
            packer.add_table(list(group))
        else:
            for line in group:
                packer.add_line(line)
    return packer.finish()


class _Packer:
    def __init__(self) -> None:
        self._done: list[list[Line]] = []
        self._current: list[Line] = []
        self._tokens = 0

    def add_line(self, line: Line) -> None:
        if line.kind is Kind.HEADING and self._opens_passage():
            self._close(len(self._current))
        if self._current and self._tokens + line.tokens > TARGET_TOKENS:
            self._close(_best_cut(self._current))
        self._append([line])

    def add_table(self, rows: list[Line]) -> None:
        size = _size(rows)
        most = MOST_TOKENS if self._tokens < OPENING_TOKENS else TARGET_TOKENS
        if self._current and size <= MOST_TOKENS and self._tokens + size > most:
            self._close(_before_headings(self._current))
        if self._tokens + size <= MOST_TOKENS:
            self._append(rows)
        else:
            for row in rows:
                self.add_line(row)

    def finish(self) -> list[list[Line]]:
        if self._current:
            self._close(len(self._current))
        if len(self._done) > 1 and _size(self._done[-1]) < TAIL_TOKENS:
            tail = self._done[-1]
            if _size(self._done[-2]) + _size(tail) <= MOST_TOKENS:
                self._done.pop()
                self._done[-1] += tail
        return self._done

    def _opens_passage(self) -> bool:
        """Whether a heading ends the current passage; one right below its own heading does not."""
        return self._tokens >= OPENING_TOKENS and self._current[-1].kind is not Kind.HEADING

    def _append(self, lines: list[Line]) -> None:
        self._current += lines
        self._tokens += _size(lines)

    def _close(self, cut: int) -> None:
        self._done.append(self._current[:cut])
        self._current = self._current[cut:]
        self._tokens = _size(self._current)


def _size(lines: Sequence[Line]) -> int:
    return sum(line.tokens for line in lines)


def _best_cut(lines: Sequence[Line]) -> int:
    """Where to end a full passage: never after a heading, at a sentence's end if one is near."""
    headless = _before_headings(lines)
    if headless < len(lines):
        return headless
    for cut in _near_cuts(lines):
        if lines[cut - 1].paragraph_ends or lines[cut - 1].text.endswith(_SENTENCE_ENDS):
            return cut
    return len(lines)


def _before_headings(lines: Sequence[Line]) -> int:
    """The end of the passage without the headings it ends with; they belong to what follows."""
    for cut in _near_cuts(lines):
        if lines[cut - 1].kind is not Kind.HEADING:
            return cut
    return len(lines)


def _near_cuts(lines: Sequence[Line]) -> Iterator[int]:
    """Cuts from the end backwards that carry few tokens and leave something."""
    carried = 0
    for cut in range(len(lines), 0, -1):
        if carried > CARRIED_TOKENS:
            return
        yield cut
        carried += lines[cut - 1].tokens
