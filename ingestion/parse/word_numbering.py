"""The numbers that Word writes before paragraphs: they are computed, not stored.

A contract is asked about by its clauses ("what does 7.3 say?"), so they must be in the text.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from lxml.etree import _Element as Element

from ingestion.parse.word_styles import Styles, W, child_value

BULLET = "•"
LEVELS = 9

_PLACE = re.compile(r"%([1-9])")
_LETTERS = {"lowerLetter": str.lower, "upperLetter": str.upper}
_ROMANS = {"lowerRoman": str.lower, "upperRoman": str.upper}
_ROMAN_DIGITS = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST_ROMAN = 3_999
_MOST_LETTER = 26 * 20


@dataclass(frozen=True, slots=True)
class _Level:
    style: str
    text: str
    start: int


class Numbering:
    """Counts the numbered paragraphs of one document, which must come in order."""

    def __init__(self, part: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._lists: dict[str, str] = {}
        self._levels: dict[str, Mapping[int, _Level]] = {}
        self._restarts: dict[tuple[str, int], int] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        if part is not None:
            self._read(part)

    def label(self, paragraph: Element) -> str:
        """The paragraph's number or bullet; "" for none."""
        number, depth = self._styles.list_of(paragraph)
        definition = self._lists.get(number, "")
        levels = self._levels.get(definition, {})
        level = levels.get(depth)
        if level is None:
            return ""
        counts = self._counts[definition]
        restart = self._restarts.pop((number, depth), None)
        if restart is not None:
            counts[depth] = restart
        else:
            counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in range(depth + 1, LEVELS):
            counts.pop(deeper, None)
        if level.style == "bullet":
            return BULLET
        if level.style == "none":
            return ""
        return _PLACE.sub(lambda match: _count(levels, counts, int(match.group(1)) - 1), level.text)

    def _read(self, part: Element) -> None:
        for definition in part.iterchildren(f"{W}abstractNum"):
            levels = {
                _int(level.get(f"{W}ilvl")): _Level(
                    child_value(level, "numFmt") or "decimal",
                    child_value(level, "lvlText") or "",
                    _int(child_value(level, "start"), 1),
                )
                for level in definition.iterchildren(f"{W}lvl")
            }
            self._levels[definition.get(f"{W}abstractNumId", "")] = levels
        for number in part.iterchildren(f"{W}num"):
            number_id = number.get(f"{W}numId", "")
            self._lists[number_id] = child_value(number, "abstractNumId") or ""
            for change in number.iterchildren(f"{W}lvlOverride"):
                start = child_value(change, "startOverride")
                if start is not None:
                    self._restarts[number_id, _int(change.get(f"{W}ilvl"))] = _int(start)


def _count(levels: Mapping[int, _Level], counts: dict[int, int], depth: int) -> str:
    level = levels.get(depth)
    if level is None:
        return ""
    return _written(counts.setdefault(depth, level.start), level.style)


def _written(number: int, style: str) -> str:
    if style in _LETTERS and 0 < number <= _MOST_LETTER:
        times, index = divmod(number - 1, 26)  # z is followed by aa, bb
        return _LETTERS[style](chr(ord("a") + index) * (times + 1))
    if style in _ROMANS and 0 < number <= _MOST_ROMAN:
        digits = ""
        for value, digit in _ROMAN_DIGITS:
            times, number = divmod(number, value)
            digits += digit * times
        return _ROMANS[style](digits)
    return str(number)


def _int(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else default
