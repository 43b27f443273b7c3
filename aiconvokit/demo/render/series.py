"""A measure over years, and the arithmetic that accounts need."""

from collections.abc import Iterable, Mapping
from typing import Self

YEARS = (2023, 2024, 2025)
OPENING = 2022


class Series(dict[int, int]):
    """One measure by year; a flow has `YEARS`, a balance also `OPENING`."""

    def __add__(self, other: Mapping[int, int]) -> "Series":
        return Series({year: self[year] + other[year] for year in self if year in other})

    def __neg__(self) -> "Series":
        return Series({year: -value for year, value in self.items()})

    def __sub__(self, other: Mapping[int, int]) -> "Series":
        return self + -Series(other)

    def times(self, numerator: int, denominator: int) -> "Series":
        """Each value times a ratio, rounded half away from zero."""
        return Series({y: rounded(v * numerator, denominator) for y, v in self.items()})

    def prior(self) -> "Series":
        """The value at the start of each year: a balance read one year back."""
        return Series({year + 1: self[year] for year in self if year + 1 in self})

    def change(self) -> "Series":
        return self - self.prior()

    @classmethod
    def flow(cls, *values: int) -> Self:
        """Values of 2023, 2024 and 2025."""
        return cls(zip(YEARS, values, strict=True))

    @classmethod
    def stock(cls, *values: int) -> Self:
        """Values at the end of 2022, 2023, 2024 and 2025."""
        return cls(zip((OPENING, *YEARS), values, strict=True))


def rounded(numerator: int, denominator: int) -> int:
    """`numerator / denominator`, half away from zero, in whole numbers only."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    quotient, rest = divmod(abs(numerator), abs(denominator))
    return sign * (quotient + (2 * rest >= abs(denominator)))


def total(lines: Iterable[Mapping[int, int]]) -> Series:
    """The sum of several measures, over the years which all of them have."""
    first, *others = lines
    result = Series(first)
    for line in others:
        result = result + line
    return result


def rolled(opening: int, *flows: Mapping[int, int]) -> Series:
    """A balance carried forward: what stood at the end of 2022 plus each year's flows."""
    balance = Series({OPENING: opening})
    for year in YEARS:
        balance[year] = balance[year - 1] + sum(flow[year] for flow in flows)
    return balance
