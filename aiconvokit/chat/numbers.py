"""Numbers in texts, read so that 1,234.50 and 1.234,50 and 1234.5 are one number."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_SCALES = {
    "k": 3, "thousand": 3, "thousands": 3, "tsd": 3, "tausend": 3,
    "m": 6, "mm": 6, "mn": 6, "mio": 6, "million": 6, "millions": 6, "millionen": 6, "millones": 6,
    "bn": 9, "billion": 9, "billions": 9, "mrd": 9, "milliarden": 9, "milliarde": 9, "milliards": 9,
    "trillion": 12, "trillions": 12, "tn": 12,
}  # fmt: skip
_KINDS = {
    "%": "percent", "percent": "percent", "per cent": "percent", "prozent": "percent",
    "\u066a": "percent", "\uff05": "percent",
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "\u20ac": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "\u00a3": "gbp", "gbp": "gbp", "chf": "chf", "\u00a5": "jpy", "jpy": "jpy", "yen": "jpy",
}  # fmt: skip
# "one" is left out: most often it counts nothing.
_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip

_THIN = "\u00a0\u2009\u202f"  # the spaces that group digits
_PLAIN_SPACES = str.maketrans(dict.fromkeys(_THIN, " "))
_SPACED = re.compile(r"(?<!\d)\d{1,3}(?: \d{3})+(?!\d)")
_UNIT = "|".join(re.escape(unit) for unit in sorted([*_SCALES, *_KINDS], key=len, reverse=True))
_UNITS = re.compile(_UNIT, re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<before>us\$|[$\u20ac\u00a3\u00a5]|\b(?:usd|eur|gbp|chf|jpy))?\s?"
    rf"(?P<digits>\d+(?:[.,'\u2019{_THIN}]\d+)*)"
    rf"(?P<after>(?:\s?(?:{_UNIT})(?![^\W_]))*)",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?P<mark>[.,'\u2019])\d{3}(?:(?P=mark)\d{3})*")
_LIST = re.compile(r"\d+(?:,\d+){2,}|\d+,\d{4,}")
_MARKS = re.compile(r"[.,'\u2019]")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text, with the units beside it.

    `readings` are what its digits may mean, without the scale, as plain decimals: "1.234" is 1.234
    or 1234. `scale` is a power of ten, `kind` "percent" or a currency; None where the text says
    nothing, as a table names its units once, above.
    """

    readings: frozenset[str]
    scale: int | None = None
    kind: str | None = None

    @property
    def is_year(self) -> bool:
        """Whether it looks like a calendar year."""
        years = (int(r) for r in self.readings if len(r) == 4 and r.isdigit())
        return self.scale is None and any(1900 <= year <= 2100 for year in years)

    @property
    def scaled(self) -> frozenset[str]:
        """The readings with the scale in them."""
        return frozenset(_shifted(reading, self.scale or 0) for reading in self.readings)

    def matches(self, other: "Number") -> bool:
        """Whether both can be the same number; a unit that only one side names decides nothing."""
        if _differ(self.kind, other.kind):
            return False
        if self.readings & other.readings and not _differ(self.scale, other.scale):
            return True
        return bool(self.scaled & other.scaled)


def numbers(text: str) -> list[Number]:
    """The numbers of a text in their order, also English words from two to ninety."""
    found = [(match.start(), number) for match in _NUMBER.finditer(text) for number in _read(match)]
    for match in _NUMBER_WORD.finditer(text):
        reading = str(_WORDS[match.group().lower()])
        found.append((match.start(), Number(frozenset({reading}))))
    return [number for _, number in sorted(found, key=lambda pair: pair[0])]


def quoted_numbers(text: str) -> list[Number]:
    """What a quote can prove: `numbers`, and "1 234" both as 1234 and as the cells 1 and 234."""
    plain = text.translate(_PLAIN_SPACES)
    joined = _SPACED.sub(lambda match: match.group().replace(" ", ""), plain)
    return numbers(plain) + (numbers(joined) if joined != plain else [])


def _read(match: re.Match[str]) -> Iterator[Number]:
    """One number; a list such as "2015,2016" gives several."""
    digits = "".join(str(unicodedata.decimal(c, c)) for c in match["digits"])
    digits = digits.translate(dict.fromkeys(map(ord, _THIN)))
    units = [unit.lower() for unit in _UNITS.findall(match["after"])]
    kinds = [_KINDS[u] for u in [*units, (match["before"] or "").lower()] if u in _KINDS]
    scales = [_SCALES[u] for u in units if u in _SCALES]
    kind = kinds[0] if kinds else None
    scale = 0 if kind == "percent" else sum(scales) if scales else None
    for part in _parts(digits):
        yield Number(_readings(part), scale, kind)


def _parts(digits: str) -> list[str]:
    """A list of numbers without spaces is cut at its commas; a decimal comma cuts nothing."""
    if not _LIST.fullmatch(digits) or _THOUSANDS.fullmatch(digits):
        return [digits]
    return digits.split(",")


def _readings(digits: str) -> frozenset[str]:
    marks = _MARKS.findall(digits)
    if not marks:
        return frozenset({_plain(digits, "")})
    whole, fraction = digits[: digits.rindex(marks[-1])], digits[digits.rindex(marks[-1]) + 1 :]
    as_decimal = _plain(_MARKS.sub("", whole), fraction)
    if len(set(marks)) > 1:
        return frozenset({as_decimal})
    if _THOUSANDS.fullmatch(digits):
        as_integer = _plain(_MARKS.sub("", digits), "")
        # One mark before three digits may be either; in English a comma there groups thousands.
        return frozenset({as_integer, as_decimal} if marks == ["."] else {as_integer})
    # "4.2.1" or "31.12.2023": a section or a date, compared as it stands.
    return frozenset({as_decimal if len(marks) == 1 else digits})


def _plain(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _shifted(reading: str, places: int) -> str:
    """The reading times ten to the `places`, exactly: a Decimal would round long ones."""
    whole, _, fraction = reading.partition(".")
    if not places or "." in fraction:
        return reading
    padded = fraction.ljust(places, "0")
    return _plain(whole + padded[:places], padded[places:])


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
