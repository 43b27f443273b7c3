"""Dates in texts, in several orders and languages, read as ISO 8601."""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.language import letters

_NAMES = """january januar enero janvier gennaio janeiro januari jan janv ene يناير
february februar febrero f\u00e9vrier febbraio fevereiro februari feb f\u00e9vr fev فبراير
march m\u00e4rz marzo mars mar\u00e7o maart mar mrz مارس
april abril avril aprile apr abr avr أبريل
may mai mayo maggio maio mei مايو
june juni junio juin giugno junho jun يونيو
july juli julio juillet luglio julho jul juil يوليو
august agosto ao\u00fbt augustus aug ago أغسطس
september septiembre septembre settembre setembro sep sept set سبتمبر
october oktober octubre octobre ottobre outubro oct okt ott out أكتوبر
november noviembre novembre novembro nov نوفمبر
december dezember diciembre d\u00e9cembre dicembre dezembro dec dez dic d\u00e9c ديسمبر"""
_MONTHS = {
    name: month for month, line in enumerate(_NAMES.splitlines(), 1) for name in line.split()
}
_MONTH = rf"(?P<name>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\b\.?"
_DAY = r"(?P<day>\d{1,2})(?!\d)(?:st|nd|rd|th|er|\u00ba)?\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d)"
_OF = r"(?:\s*+,)?\s++(?:(?:de|del|di|of)\s++)?"
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\d.])(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月(?:\s?(?P<day>\d{1,2})\s?日)?",
        r"(?<![\d./-])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\d./-]\d)",
        r"(?<![\d./-])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?!\d)",
        r"(?<![\d./-])(?P<day>\d{1,2})([/-])(?P<month>\d{1,2})\2(?P<year>\d{4})(?!\d)",
        rf"(?<![\w.,])(?:{_DAY}(?:\s++day)?{_OF})?\b{_MONTH}{_OF}{_YEAR}",
        rf"\b{_MONTH}\s++{_DAY}(?:\s*+,)?\s++{_YEAR}",
        rf"(?<![\w.,]){_DAY}\s+(?:(?:de|of)\s+)?{_MONTH}",
        rf"\b{_MONTH}\s+{_DAY}(?![\d.,]*\d)",
    )
]
_PARTED = re.compile(r"\d[./-]\d{1,2}[./-]\d|\d\s?年")
_EITHER_ORDER = _PATTERNS[3]


@dataclass(frozen=True, slots=True)
class Date:
    """`text[start:end]`; `readings` are what it may mean: "2025-03-05", "2025-03", "--03-05"."""

    start: int
    end: int
    readings: frozenset[str]


def dates(text: str) -> Iterator[Date]:
    """The dates of a text, in their order; no two overlap: the one with most in it is it."""
    taken: list[Date] = []  # in the order of their places
    if not _PARTED.search(text) and _MONTHS.keys().isdisjoint(letters(text)):
        return
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            readings = frozenset(
                _readings(match.groupdict(), either_order=pattern is _EITHER_ORDER)
            )
            start, end = match.span()
            before = bisect.bisect_left(taken, end, key=lambda date: date.start)
            if readings and (before == 0 or taken[before - 1].end <= start):
                taken.insert(before, Date(start, end, readings))
    yield from taken


def partial(readings: frozenset[str]) -> frozenset[str]:
    """A date and what it proves as well: its month of the year, its day without a year."""
    full = [reading for reading in readings if len(reading) == 10]
    return readings | {part for r in full for part in (r[:7], f"-{r[4:]}")}


def _readings(found: dict[str, str | None], *, either_order: bool) -> Iterator[str]:
    year, name = found.get("year"), found.get("name")
    month = _MONTHS[name.lower()] if name else int(found.get("month") or 0)
    day = int(found.get("day") or 0)
    # 3/5/2025 is in March or in May: it stands for both.
    for m, d in {(month, day), (day, month)} if either_order else {(month, day)}:
        if 1 <= m <= 12 and 0 <= d <= 31:
            yield (f"{int(year):04}" if year else "-") + f"-{m:02}" + (f"-{d:02}" if d else "")
