"""Which lines are headings, of what level, and which path of headings leads to a place."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ingestion.chunk.lines import Kind, Line

MAX_CAPS_WORDS = 12
MAX_TITLE_WORDS = 10
MAX_NUMBERED_WORDS = 16
"""Longer lines are sentences, whatever their letters."""

MAX_RUN = 3
"""More headings than that in a row are a list of contents, a cover or a paragraph in capitals."""

MAX_TITLE_CHARS = 120
"""Of a heading in a path."""

GUESSED = 16
"""Added to the level of a guessed heading: it stands below those that the file declares."""

_HASHES = re.compile(r" {0,3}(#{1,6})\s+(?=\S)")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_PART = re.compile(
    r"(?:ITEM|ARTICLE|PART)\s+(?:\d{1,2}[A-Z]?|[IVXLC1]+)\b[.:)\u2014\u2013-]*\s*", re.IGNORECASE
)
_NOTE = re.compile(r"NOTE\s+\d{1,2}[A-Z]?\b[.:)\u2014\u2013-]*\s*", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:SECTION\s+)?\d{1,2}(?:\.\d{1,2}){0,3}[.)]?\s+(?=\S)", re.IGNORECASE)
_BARE_NUMBER = re.compile(rf"{_PART.pattern}|{_NOTE.pattern}", re.IGNORECASE)
_PAGE_NUMBER_ENDS = re.compile(r"[\s.]\d{1,3}$")
_NO_TITLE = re.compile(r":|\.$")  # "Attention: Chief Financial Officer" is an address
_AMOUNT = re.compile(r"\d[\d,.]*(?<![,.])")
_COLUMN_NUMBER = re.compile(r"(?:19|20)\d\d|[12]?\d|3[01]")
_SENTENCE_ENDS = (".", "!", "?", ":", ";", ")", "”", '"')
_SMALL_WORDS = frozenset({"with", "from", "than", "into", "upon", "over", "under", "between"})


def mark_markdown(lines: Sequence[Line]) -> None:
    """Mark the `#` lines outside code fences."""
    fenced = False
    for line in lines:
        if _FENCE.match(line.text):
            fenced = not fenced
        match = None if fenced else _HASHES.match(line.text)
        if match:
            words = line.text[match.end() :].split()
            closed = len(words) > 1 and not words[-1].strip("#")
            _mark(line, len(match.group(1)), " ".join(words[:-1] if closed else words))


def mark_guessed(lines: Sequence[Line]) -> None:
    """Mark what looks like a heading; lines that are already marked or in a table stay."""
    guessed: list[Line] = []
    for index, line in enumerate(lines):
        level = guess_level(line.text) if line.kind is Kind.TEXT else 0
        if level and not _labels_rows(lines, index) and (level < 3 or _stands_apart(lines, index)):
            _mark(line, GUESSED + level, line.text)
            guessed.append(line)
        else:
            _settle(guessed)
            guessed = []
    _settle(guessed)


def guess_level(text: str) -> int:
    """1 to 3 for a line that reads like a heading by itself, 0 for any other."""
    text = text.strip()
    words = text.split()
    if len(words) > MAX_NUMBERED_WORDS or text.endswith((",", ";")):
        return 0
    for pattern, level in ((_PART, 1), (_NOTE, 2), (_NUMBERED, 2)):
        match = pattern.match(text)
        if match:
            rest = text[match.end() :]
            return level if _numbered_title(rest, alone=pattern is not _NUMBERED) else 0
    if _is_caps(text) and len(words) <= MAX_CAPS_WORDS:
        return 2
    if _is_title_case(words) and len(words) <= MAX_TITLE_WORDS and not _NO_TITLE.search(text):
        return 3
    return 0


def is_numbered(text: str) -> bool:
    """Whether a heading carries its number ("Item 7", "Note 3", "2.1 Term")."""
    text = text.strip()
    return any(pattern.match(text) for pattern in (_PART, _NOTE, _NUMBERED))


def names_columns(text: str) -> bool:
    """Whether all figures of a line are years or days, as above the amounts of a table."""
    numbers = _AMOUNT.findall(text)
    return bool(numbers) and all(map(_COLUMN_NUMBER.fullmatch, numbers))


class HeadingPath:
    """The headings above the current place, carried from page to page."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> None:
        """Step under a heading: those of its level and below are left."""
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()
        self._stack.append((level, title))

    @property
    def titles(self) -> tuple[str, ...]:
        """From the top down."""
        return tuple(title for _, title in self._stack)


def _mark(line: Line, level: int, title: str) -> None:
    line.kind, line.level = Kind.HEADING, level
    line.title = " ".join(title.split())[:MAX_TITLE_CHARS]


def _settle(run: list[Line]) -> None:
    """Consecutive guesses: too many are none, two of one level are one heading in two lines.

    A bare number above a heading ("ARTICLE III") is the beginning of that heading.
    """
    if len(run) > MAX_RUN:
        for line in run:
            line.kind, line.level, line.title = Kind.TEXT, 0, ""
        return
    for above, line in pairwise(run):
        if is_numbered(line.text):
            continue
        if above.level == line.level or _BARE_NUMBER.fullmatch(above.text.strip()):
            line.level = above.level
            line.title = f"{above.title} {line.title}"[:MAX_TITLE_CHARS]


def _numbered_title(rest: str, *, alone: bool) -> bool:
    """Whether what follows a number is a title; for some the number may stand alone."""
    if not rest:
        return alone
    if _PAGE_NUMBER_ENDS.search(rest):  # a line of the table of contents
        return False
    return _is_caps(rest) or _is_title_case(rest.rstrip(".").split())


def _is_caps(text: str) -> bool:
    return text.isupper() and not text.startswith("(") and sum(char.isalpha() for char in text) >= 4


def _is_title_case(words: Sequence[str]) -> bool:
    """Every long word begins with a capital, and so does the first."""
    bare = [word.strip("(“\"'‘") for word in words]  # noqa: RUF001 - typographic quotes are meant
    long = [word for word in bare if len(word) > 3 and word.lower() not in _SMALL_WORDS]
    return (
        bool(long)
        and bare[0][:1].isupper()
        and all(word[0].isupper() for word in long)
        and not any("." in word[:-1] or "@" in word for word in bare)
    )


def _labels_rows(lines: Sequence[Line], index: int) -> bool:
    """Whether a line is a label right above a table's rows ("Liabilities and Equity").

    A column header below it (dates, and no amounts) makes it the table's heading.
    """
    if index + 1 == len(lines) or is_numbered(lines[index].text):
        return False
    below = lines[index + 1]
    numbers = _AMOUNT.findall(below.text)
    return below.kind is Kind.TABLE and not all(map(_COLUMN_NUMBER.fullmatch, numbers))


def _stands_apart(lines: Sequence[Line], index: int) -> bool:
    """Whether a line in title case is no piece of the sentence around it."""
    if index + 1 == len(lines):
        return False
    follower = lines[index + 1].text.lstrip()
    if follower[:1].islower():
        return False
    if index == 0 or lines[index - 1].paragraph_ends:
        return True
    above = lines[index - 1]
    return above.kind is not Kind.TEXT or above.text.endswith(_SENTENCE_ENDS)
