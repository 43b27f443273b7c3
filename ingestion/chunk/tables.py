"""Which lines are rows of a table, and how much of a text is figures."""

import re
from collections.abc import Sequence

from ingestion.chunk.headings import guess_level, is_numbered
from ingestion.chunk.lines import Kind, Line

NUMERIC_SHARE = 0.3
"""Of a line's words; sentences with a few figures stay below."""

SHORT_LINE_WORDS = 3
"""A line as short as that with a figure in it is a cell or a row."""

MAX_LABEL_LINES = 3
MAX_LABEL_WORDS = 12
"""Between two rows, so many lines of so many words are labels ("Current assets:")."""

MAX_CAPS_LABEL_WORDS = 4
"""A longer line in capitals names the next statement."""

_NUMERIC = re.compile(r"^[($€£]*\d[\d,.)%]*$|^[—–-]+$|^[$%)]$")  # noqa: RUF001 - dashes stand for zero


def number_density(text: str) -> float:
    """The share of numeric words, doubled and capped at 1."""
    words = text.split()
    return min(1.0, 2 * _numeric(words) / len(words)) if words else 0.0


def mark_tables(lines: Sequence[Line]) -> None:
    """Mark rows, and the label lines between them; headings that are marked stay."""
    row = -1
    for index, line in enumerate(lines):
        if line.kind is not Kind.TEXT or not _is_row(line.text):
            continue
        line.kind = Kind.TABLE
        between = lines[row + 1 : index] if row >= 0 else ()
        if len(between) <= MAX_LABEL_LINES and all(map(_is_label, between)):
            for label in between:
                label.kind = Kind.TABLE
        row = index


def _is_row(text: str) -> bool:
    if text.lstrip().startswith("|"):
        return True
    words = text.split()
    if is_numbered(text) and guess_level(text):
        return False
    if len(words) <= SHORT_LINE_WORDS and any(char.isdigit() for char in text):
        return True
    return _numeric(words) >= NUMERIC_SHARE * len(words)


def _is_label(line: Line) -> bool:
    text, words = line.text.strip(), line.text.split()
    if line.kind is not Kind.TEXT or len(words) > MAX_LABEL_WORDS or text.endswith("."):
        return False
    if is_numbered(text) and guess_level(text):
        return False
    return not text.isupper() or len(words) <= MAX_CAPS_LABEL_WORDS


def _numeric(words: Sequence[str]) -> int:
    return sum(1 for word in words if _NUMERIC.match(word))
