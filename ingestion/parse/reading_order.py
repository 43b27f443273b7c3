"""Recognised pieces of lines become text: rows stay rows, columns are read one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

GUTTER_FROM, GUTTER_TO = 0.35, 0.65
"""Of the width: where the space between two columns may be."""

MAX_CROSSING = 0.2
"""Of the pieces: headings and footers go across both columns."""

LEAST_COLUMN = 0.2
"""Of the pieces on each side; below it the page has one column and a note in its margin."""

LEAST_WIDTH = 0.25
"""Of the page that the pieces of a column have; narrower ones are cells of a table."""

SAME_LINE = 0.5
"""Of a piece's height, between the middles of two that stand on one line."""

PARAGRAPH_GAP = 0.9
"""Of a line's height, between two lines: more is a new paragraph."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a line: its box in pixels from the top left, and what it says."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        """Of its letters, about."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """From the top."""
        return (self.top + self.bottom) / 2


def text_of(words: Sequence[Word], width: float) -> str:
    """The text of a page whose picture has so many pixels' width."""
    gutter = _gutter(words, width)
    if gutter is None:
        return _lines(words)
    blocks: list[str] = []
    left: list[Word] = []
    right: list[Word] = []
    for word in sorted(words, key=lambda word: word.middle):
        if word.right <= gutter:
            left.append(word)
        elif word.left >= gutter:
            right.append(word)
        else:  # goes across: what stands above it comes first
            blocks += [_lines(left), _lines(right), word.text]
            left, right = [], []
    return "\n\n".join(filter(None, [*blocks, _lines(left), _lines(right)]))


def _gutter(words: Sequence[Word], width: float) -> float | None:
    """Where the space between two columns of text is; None for one column, or a table."""
    starts = {word.left for word in words if GUTTER_FROM < word.left / width < GUTTER_TO}
    for start in sorted(starts):
        left = [word for word in words if word.right <= start]
        right = [word for word in words if word.left >= start]
        crossing = len(words) - len(left) - len(right)
        if (
            crossing <= MAX_CROSSING * len(words)
            and min(len(left), len(right)) >= max(2, LEAST_COLUMN * len(words))
            and min(_usual_width(left), _usual_width(right)) >= LEAST_WIDTH * width
        ):
            return start
    return None


def _usual_width(words: Sequence[Word]) -> float:
    return median(word.right - word.left for word in words)


def _lines(words: Sequence[Word]) -> str:
    """Lines from top to bottom, a blank one where the space between two is large."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.middle):
        last = rows[-1][-1] if rows else None
        near = last is not None and word.middle - last.middle <= SAME_LINE * last.height
        rows[-1].append(word) if near else rows.append([word])
    text = ""
    for index, row in enumerate(rows):
        if index:
            above = rows[index - 1]
            gap = min(one.top for one in row) - max(one.bottom for one in above)
            text += "\n\n" if gap > PARAGRAPH_GAP * median(one.height for one in row) else "\n"
        text += " ".join(one.text for one in sorted(row, key=lambda one: one.left))
    return text
