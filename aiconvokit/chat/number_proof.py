"""Whether the numbers of a claim stand in a quote, with their units, signs and columns."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiconvokit.chat.numbers import TIMES, Number
from aiconvokit.chat.reading import Reading, Term
from aiconvokit.chat.table_context import Context

_SHARES = frozenset(["percent", "points", "basis"])
_MINUS_WORDS_LIST = """
loss losses decrease decreased decline declined negative expense expenses cost costs outflow
used deficit charge charges paid repaid repayment repurchase repurchases minus fell
reduction tax verlust verluste rückgang negativ aufwand aufwendungen pérdida pérdidas gastos
disminución perte pertes charges baisse 亏 损 خسارة"""
_MINUS_WORDS = frozenset(_MINUS_WORDS_LIST.split())
"""Words that say what a minus says: "a loss of 5" is (5)."""


class Quoted(Protocol):
    """What proves numbers: a unit of a page and its table's head."""

    @property
    def is_row(self) -> bool: ...
    @property
    def context(self) -> Context: ...
    @property
    def reading(self) -> Reading: ...
    @property
    def header(self) -> "Quoted | None": ...


@dataclass(frozen=True, slots=True)
class Figures:
    """A claim's numbers against those of a quote."""

    claim: Reading
    quote: Quoted

    def shows(self, number: Number) -> bool:
        """Whether the number stands in the quote; a year may stand above its row."""
        years = heads(self.quote) if number.is_year else ()
        return any(map(number.matches, years)) or self.in_quote(number)

    def in_quote(self, number: Number) -> bool:
        """Whether the number stands in the quote itself."""
        return any(self.proves(number, other) for other in self.quote.reading.numbers)

    def proves(self, number: Number, other: Number) -> bool:
        """Whether a number of the quote is the claim's, in sign, unit and value."""
        return (
            self._same_sign(number, other)
            and self._has_unit(number, other)
            and _same_value(number, other, self.quote.context.scale)
        )

    def _same_sign(self, number: Number, other: Number) -> bool:
        if number.negative == other.negative:
            return True
        words = {word.text for word in self.claim.words}
        return other.negative and not _MINUS_WORDS.isdisjoint(words)

    def _has_unit(self, number: Number, other: Number) -> bool:
        """Whether what the claim names is named beside the number, or above it in a table."""
        kind = number.kind
        if kind is None or other.kind is not None:
            return True
        if kind in TIMES and any(kind == n.kind for n in self.quote.reading.numbers):
            return True  # "10 or 20 days"
        return kind in self.quote.context.kinds


def _same_value(number: Number, other: Number, scale: int | None) -> bool:
    """The value, with the scale above the cell where it has none itself."""
    if other.scale is None and scale is not None and not other.is_year:
        scaled = dataclasses.replace(other, scale=scale)
        is_amount = number.kind is not None and number.kind not in TIMES
        if number.scale is not None or is_amount or number.scaled & scaled.scaled:
            return number.matches(scaled)
    if number.scale and other.scale is None:
        return bool(number.scaled & other.scaled) and number.matches(other)
    return number.matches(other)


def years_agree(claim: Reading, quote: Reading) -> bool:
    """Whether each figure of the claim is of the year that the sentence gives it.

    Only where the sentence names several years: "12,910 in 2024 and 12,340 in 2025".
    """
    if len({number for number in quote.numbers if number.is_year}) < 2:
        return True
    here, there = _by_year(claim.terms), _by_year(quote.terms)
    return all(
        year.matches(other)
        for figure, year in here
        for shown, other in there
        if figure.matches(shown)
    )


def _by_year(terms: Sequence[Term]) -> list[tuple[Number, Number]]:
    """The figures of a sentence with their years: in turn, or the next year on the side it uses."""
    placed = [
        (at, term)
        for at, term in enumerate(terms)
        if isinstance(term, Number) and term.kind != "date"
    ]
    numbers = [number for _, number in placed]
    places = [at for at, number in enumerate(numbers) if number.is_year]
    figures = [at for at, number in enumerate(numbers) if not number.is_year]
    if not places or not figures:
        return []
    in_one_run = places[-1] - places[0] == len(places) - 1
    if in_one_run and len(places) == len(figures):
        return [(numbers[f], numbers[y]) for f, y in zip(figures, places, strict=True)]
    year_first = places[0] < figures[0]
    found: list[tuple[Number, Number]] = []
    for at in figures:
        if at + 1 in places and placed[at + 1][0] - placed[at][0] == 2:  # "5 in 2024"
            found.append((numbers[at], numbers[at + 1]))
            continue
        before = [y for y in places if y < at]
        after = [y for y in places if y > at]
        own = (before or after)[-1 if before else 0] if year_first else (after or before[::-1])[0]
        found.append((numbers[at], numbers[own]))
    return found


def heads(row: Quoted) -> list[Number]:
    """The years above the columns of a row."""
    numbers = row.header.reading.numbers if row.header else ()
    return [year for number in numbers if (year := number.as_year)]


def columns_agree(cells: Sequence[Number], years: Sequence[Number], row: Quoted) -> bool:
    """Whether the claim's n-th figure stands under its n-th year.

    Columns are counted from the right, as notes stand on the left; a percentage has no year.
    """
    if row.header is None or len(cells) != len(years):
        return False
    years_above = heads(row)[::-1]
    scale = row.context.scale
    figures = [n for n in row.reading.numbers if n.kind not in _SHARES][::-1]
    return all(
        any(
            _same_value(cell, figure, scale) and year.matches(head)
            for figure, head in zip(figures, years_above, strict=False)
        )
        for cell, year in zip(cells, years, strict=True)
    )
