"""Numbers in texts, read so that 1,234.50 and 1.234,50 and 1234.5 are one number."""

import bisect
import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiconvokit.chat.dates import dates, partial
from aiconvokit.chat.number_words import digits_for_words
from ingestion.language import letters

KEPT = 1 << 4
"""Texts kept with what is found in them: a quote is read as a text and then for its numbers."""

_SCALES = {
    "k": 3, "thousand": 3, "thousands": 3, "tsd": 3, "tsd.": 3, "tausend": 3, "mil": 3, "mille": 3,
    "тыс": 3,
    "ألف": 3, "lakh": 5, "crore": 7,
    "m": 6, "mm": 6, "mn": 6, "mio": 6, "mio.": 6, "million": 6, "millions": 6,
    "millionen": 6, "millones": 6,
    "millón": 6, "milioni": 6, "milhões": 6, "miljoen": 6, "млн": 6, "مليون": 6,
    "b": 9, "bn": 9, "billion": 9, "billions": 9, "mrd": 9, "mrd.": 9,
    "milliarden": 9, "milliarde": 9,
    "milliard": 9, "milliards": 9, "miliardi": 9, "bilhões": 9, "miljard": 9, "млрд": 9,
    "مليار": 9,
    "trillion": 12, "trillions": 12, "tn": 12, "billionen": 12, "billones": 12,
}  # fmt: skip
_POINTS = """percentage points|percentage point|prozentpunkte|prozentpunkten|prozentpunkt
puntos porcentuales|points de pourcentage|pp|ppt"""
_KINDS = {
    "%": "percent", "percent": "percent", "per cent": "percent", "prozent": "percent",
    "pour cent": "percent", "por ciento": "percent", "\u066a": "percent", "в процентах": "percent",
    **{name: "points" for line in _POINTS.splitlines() for name in line.split("|")},
    "% points": "points", "%-points": "points",
    "basis points": "basis", "bps": "basis", "bp": "basis",
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "dólares": "usd",
    "\u20ac": "eur", "eur": "eur", "euro": "eur", "euros": "eur", "يورو": "eur", "دولار": "usd",
    "\u00a3": "gbp", "gbp": "gbp", "pounds": "gbp", "chf": "chf", "franken": "chf",
    "\u00a5": "jpy", "jpy": "jpy", "yen": "jpy", "rmb": "cny", "cny": "cny", "\u20b9": "inr",
    "inr": "inr", "cad": "cad", "c$": "cad", "aud": "aud", "a$": "aud", "hk$": "hkd",
}  # fmt: skip
_TIMES = {
    "day": "day days tag tage tagen día días jour jours يوما يوم أيام дней",
    "week": "week weeks woche wochen semana semanas semaine semaines",
    "month": "month months monat monate monaten mes meses mois شهرا شهر أشهر месяцев",
    "year": "year years jahr jahre jahren año años an ans سنة سنوات года лет",
    "hour": "hour hours stunde stunden hora horas heure heures ساعة",
    "minute": "minute minutes minuten minuto minutos",
    "quarter": "quarters quartale trimestres",
}
_KINDS |= {name: kind for kind, names in _TIMES.items() for name in names.split()}
TIMES = frozenset(_TIMES)
"""Kinds that stand beside only one number of several: "10 or 20 days"."""
# Scripts without spaces: a unit may be followed by a letter.
_HAN_SCALES = {
    "千": 3, "千万": 7, "百万": 6, "十亿": 9, "万": 4, "萬": 4, "亿": 8, "億": 8, "百萬": 6,
}  # fmt: skip
_HAN_KINDS = {
    "个百分点": "points", "百分点": "points", "元": "cny", "人民币": "cny", "美元": "usd",
    "欧元": "eur", "歐元": "eur", "英镑": "gbp", "日元": "jpy", "円": "jpy", "天": "day",
    "日": "day", "个工作日": "day", "个月": "month", "か月": "month", "ヶ月": "month", "年": "year",
    "小时": "hour", "周": "week",
}  # fmt: skip


def _either(*tables: dict[str, int] | dict[str, str]) -> str:
    keys = sorted((key for table in tables for key in table), key=len, reverse=True)
    return "|".join(map(re.escape, keys))


_NEVER_ALONE = frozenset(["k", "m", "b", "mm", "tn", "mil", "mille"])
"""Units behind a number; on their own they are letters, or other words."""
_NAMED_SCALES = {name: power for name, power in _SCALES.items() if name not in _NEVER_ALONE}
SCALE_NAME = rf"\b(?:{_either(_NAMED_SCALES)})\b|[百千十]?[万萬亿億]"
"""A scale on its own, as in "EUR million" or "(in thousands)"."""
SCALE_WORDS = frozenset(letters(name)[0] for name in _NAMED_SCALES)
_KIND_WORDS = frozenset(letters(name)[0] for name in _KINDS if name[0].isalpha())
"""The first word of each name: without any, a text in ASCII names no scale, and no kind."""

_WRAPPED = re.compile(r" ?\n(?=[^\W\d_])")
_THIN = "\u00a0\u2009\u202f"  # the spaces that group digits
_GROUPED = re.compile(r"\d \d{3}")
_GROUPING = re.compile(rf"(?<=\d)[{_THIN}](?=\d{{3}}(?!\d))")
_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")
_SIGNS = "[$\u20ac\u00a3\u00a5]"
_SIGN = re.compile(_SIGNS)
_BRACKETS_WITH_UNIT = re.compile(rf"({_SIGNS})\s?\(\s?(\d[\d.,]*)\s?\)")
_MINUS_SIGN = re.compile(rf"(?<![\w)%])[-\u2212\u2013]\s?({_SIGNS})")
_HAN = _either(_HAN_SCALES, _HAN_KINDS)
_UNIT = _either(_SCALES, _KINDS)
# It begins where a run of groups begins: trying each group would take the square of the run.
_RUN_START = r"(?<![\d.,])(?<![^\d.,]\d )(?<![^\d.,]\d\d )(?<![^\d.,]\d\d\d )"
_BEFORE_UNIT = re.compile(
    rf"{_RUN_START}\d{{1,3}}(?: \d{{3}})++(?=\s?(?:{_UNIT})(?![^\W_]))", re.IGNORECASE
)
_UNITS = re.compile(f"{_UNIT}|{_HAN}", re.IGNORECASE)
_NAMED_KIND = re.compile(
    rf"{_either({k: v for k, v in _KINDS.items() if not k[0].isalpha()})}"
    rf"|(?<![^\W\d_])(?:{_either({k: v for k, v in _KINDS.items() if k[0].isalpha()})})(?![^\W\d_])"
    rf"|{_either({k: v for k, v in _HAN_KINDS.items() if k not in '日年天周'})}",
    re.IGNORECASE,
)
_BETWEEN = r"(?:business|calendar|working|consecutive|full|trading)"
_BUSINESS = re.compile(_BETWEEN, re.IGNORECASE)
BEFORE_REACH = 5
"""Characters that may stand before the digits of a number: "USD -5", "hk$ -5"."""
_NUMBER = re.compile(
    r"(?:(?P<before>us\$|hk\$|[ac]\$|[$\u20ac\u00a3\u00a5\u20b9]|\b(?:usd|eur|gbp|chf|jpy|rmb|cny)"
    r"|人民币)\s?)?(?P<minus>(?<![\w)%])[-\u2212\u2013](?=\d))?"
    r"(?P<digits>\d+(?:[.,'\u2019\u066b\u066c]\d+)*)"
    rf"(?P<after>(?:\s?(?:{_HAN})|[\s-]?(?:{_BETWEEN}\s)?(?:{_UNIT})(?![^\W_]))*)",
    re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"\(\s?[$\u20ac\u00a3]?\s?\d[\d.,]*\s?%?\s?\)")
_THOUSANDS = re.compile(r"\d{1,3}(?P<mark>[.,'\u2019])\d{3}(?:(?P=mark)\d{3})*")
_LIST = re.compile(r"\d+(?:,\d+){2,}|\d+,\d{4,}")
_MARKS = re.compile(r"[.,'\u2019]")
_DIGIT = re.compile(r"\d")
# The digits of 1900 to 2100 may stand apart: "2,025", "2 025".
_YEAR_BEGUN = re.compile(r"(?:1[^\w]?9|2[^\w]?[01])")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_ARABIC_MARKS = str.maketrans({"\u066b": ".", "\u066c": ","})


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it stands in a text, with the units beside it.

    `readings` are what its digits may mean, without the scale, as plain decimals: "1.234" is 1.234
    or 1234; of a date, what `dates` gives. `scale` is a power of ten, `kind` "percent", "points",
    a currency, a unit of time or "date"; None where the text says nothing, as a table names its
    units once, above. `negative`: a minus, or the brackets of accountants.
    """

    readings: frozenset[str]
    scale: int | None = None
    kind: str | None = None
    negative: bool = False

    @property
    def is_year(self) -> bool:
        """Whether it looks like a calendar year."""
        years = (int(r) for r in self.readings if len(r) == 4 and r.isdigit())
        plain = self.scale is None and self.kind is None
        return plain and any(1900 <= year <= 2100 for year in years)

    @property
    def as_year(self) -> "Number | None":
        """What it is at the head of a column: "EUR 2025" names a currency and a year."""
        bare = Number(self.readings)
        return bare if bare.is_year and self.kind not in {"percent", "date"} else None

    @property
    def scaled(self) -> frozenset[str]:
        """The readings with the scale in them."""
        return frozenset(_shifted(reading, self.scale or 0) for reading in self.readings)

    @property
    def digests(self) -> frozenset[str]:
        """The readings without scale, point and zeros at the ends: equal values have equal ones."""
        return frozenset(map(_digest, self.readings))

    def matches(self, other: "Number") -> bool:
        """Whether a claim's number can be the `other`, of a quote.

        What the claim leaves out may be missing; but "4.2" is not "4.2 million", nor "5" "5 %".
        """
        if _differ(self.kind, other.kind) or (self.kind is None and other.kind in _PART_OF_VALUE):
            return False
        if self.scale == other.scale or other.scale is None:
            return bool(self.readings & other.readings) or bool(self.scaled & other.scaled)
        return bool(self.scaled & other.scaled)


_COMMA_DECIMAL_LIST = """
german french spanish italian portuguese dutch danish norwegian swedish finnish russian
turkish romanian greek hungarian"""
_COMMA_DECIMAL = frozenset(_COMMA_DECIMAL_LIST.split())
_PART_OF_VALUE = frozenset(["percent", "points", "basis", "date"])


@dataclass(frozen=True, slots=True)
class Placed:
    """A number at `text[start:end]` of a plain text (see `plain`)."""

    start: int
    end: int
    number: Number


def scale_of(name: str) -> int | None:
    """The power of ten of a scale's name."""
    return _SCALES.get(name.lower()) or _HAN_SCALES.get(name)


def kinds_in(text: str) -> frozenset[str]:
    """The currencies, and percent, that a text names anywhere."""
    has_sign = not text.isascii() or "$" in text or "%" in text
    if not has_sign and _KIND_WORDS.isdisjoint(letters(text)):
        return frozenset()
    return frozenset(
        kind
        for match in _NAMED_KIND.finditer(text)
        if (kind := _KINDS.get(match.group().lower()) or _HAN_KINDS.get(match.group()))
    )


@functools.lru_cache(KEPT)
def plain(text: str) -> str:
    """The text with one spelling for signs and digits: NFKC, number words as digits."""
    joined = text
    if _DIGIT.search(text):
        if "\n" in text:  # "9.6\r\npercentage points"
            joined = _WRAPPED.sub(" ", text.replace("\r\n", "\n"))
        joined = joined if joined.isascii() else _GROUPING.sub("", joined)
        if _GROUPED.search(joined):
            joined = _BEFORE_UNIT.sub(lambda m: m.group().replace(" ", ""), joined)
        if _SIGN.search(joined):
            joined = _MINUS_SIGN.sub(r"\1-", _BRACKETS_WITH_UNIT.sub(r"\1-\2", joined))
    if not joined.isascii():
        joined = unicodedata.normalize("NFKC", joined)
        joined = _OTHER_DIGIT.sub(lambda m: str(unicodedata.decimal(m.group())), joined)
    return digits_for_words(joined)


@functools.lru_cache(KEPT)
def placed_numbers(text: str, language: str | None = None) -> tuple[Placed, ...]:
    """The numbers and dates of a plain text in their order; `language` tells its decimal mark."""
    if not _DIGIT.search(text):
        return ()
    found = [Placed(d.start, d.end, Number(d.readings, kind="date")) for d in dates(text)]
    taken = sorted((p.start, p.end) for p in found)
    brackets = [m.span() for m in _IN_BRACKETS.finditer(text)]
    for match in _matches(text):
        start, end = match.span()
        before = bisect.bisect_left(taken, (end,)) - 1
        if before >= 0 and start < taken[before][1]:
            continue
        is_below = bool(match["minus"]) or _in_brackets(match, brackets)
        numbers = _read(match, language, negative=is_below)
        found += [Placed(start, end, number) for number in numbers]
    return tuple(sorted(found, key=lambda placed: placed.start))


def _matches(text: str) -> Iterator[re.Match[str]]:
    """What `_NUMBER` finds: it is tried only where one may begin, right before its digits."""
    end = 0
    while digit := _DIGIT.search(text, end):
        places = range(max(end, digit.start() - BEFORE_REACH), digit.start() + 1)
        match = next(filter(None, (_NUMBER.match(text, place) for place in places)))
        yield match
        end = match.end()


def may_have_year(text: str) -> bool:
    """Whether a year may be among the `quoted_numbers` of a text."""
    return bool(_YEAR_BEGUN.search(plain(text)))


def quoted_numbers(text: str, language: str | None = None) -> list[Number]:
    """What a quote can prove: numbers, parts of dates, "1 234" as 1234 and as cells 1 and 234."""
    spelled = plain(text)
    if not _DIGIT.search(spelled):
        return []
    spread = spelled
    if any(space in text for space in _THIN):
        spread = plain(text.translate(dict.fromkeys(map(ord, _THIN), " ")))
    joined = _SPACED.sub(lambda match: match.group().replace(" ", ""), spelled)
    found = [p.number for p in placed_numbers(spread, language)]
    if joined != spread:
        found += [p.number for p in placed_numbers(joined, language)]
    return [part for number in found for part in proven(number)]


def proven(number: Number) -> Iterator[Number]:
    """What a number proves: itself, or the parts of a date."""
    if number.kind != "date":
        yield number
        return
    yield Number(partial(number.readings), kind="date")
    yield from (Number(frozenset({y})) for y in {r[:4] for r in number.readings} if y.isdigit())


def _in_brackets(match: re.Match[str], brackets: Sequence[tuple[int, int]]) -> bool:
    """(1,234) is below zero; (30) after a word repeats it and (2025) is a year."""
    digits = match["digits"]
    at = bisect.bisect_right(brackets, match.start(), key=lambda span: span[0]) - 1
    if at < 0 or brackets[at][1] < match.end() or "%" in match["after"]:
        return False
    is_year = len(digits) == 4 and digits[:2] in {"19", "20"}
    return bool(_MARKS.search(digits)) or (len(digits) > 2 and not is_year)


def _read(match: re.Match[str], language: str | None, *, negative: bool) -> Iterator[Number]:
    """One number; a list such as "2015,2016" gives several."""
    digits = match["digits"].translate(_ARABIC_MARKS)
    after = match["after"]
    units = [unit.lower() for unit in _UNITS.findall(_BUSINESS.sub(" ", after))] if after else []
    names = [*units, (match["before"] or "").lower()]
    kinds = [kind for u in names if (kind := _KINDS.get(u) or _HAN_KINDS.get(u))]
    scales = [s for u in units if (s := _SCALES.get(u) or _HAN_SCALES.get(u))]
    kind = kinds[0] if kinds else None
    if "年" in units and len(digits) == 4:
        kind = None  # 2025年 is a year, 3年 are three
    scale = 0 if kind == "percent" else sum(scales) if scales else None
    for part in _parts(digits):
        yield Number(_readings(part, language), scale, kind, negative)


def _parts(digits: str) -> list[str]:
    """A list of numbers without spaces is cut at its commas; a decimal comma cuts nothing."""
    if not _LIST.fullmatch(digits) or _THOUSANDS.fullmatch(digits):
        return [digits]
    return digits.split(",")


def _readings(digits: str, language: str | None) -> frozenset[str]:
    marks = _MARKS.findall(digits)
    if not marks:
        return frozenset({_plain(digits, "")})
    whole, fraction = digits[: digits.rindex(marks[-1])], digits[digits.rindex(marks[-1]) + 1 :]
    as_decimal = _plain(_MARKS.sub("", whole), fraction)
    if len(set(marks)) > 1:
        return frozenset({as_decimal})
    if _THOUSANDS.fullmatch(digits):
        as_integer = _plain(_MARKS.sub("", digits), "")
        if len(marks) > 1 or marks[0] not in ".,":
            return frozenset({as_integer})
        return _either_reading(as_integer, as_decimal, marks[0], language)
    # "4.2.1": a section, compared as it stands.
    return frozenset({as_decimal if len(marks) == 1 else digits})


def _either_reading(
    as_integer: str, as_decimal: str, mark: str, language: str | None
) -> frozenset[str]:
    """One mark before three digits: in English the comma groups, in German the point does."""
    if language in _COMMA_DECIMAL:
        return frozenset({as_integer if mark == "." else as_decimal})
    if mark == ",":
        return frozenset({as_integer})
    return frozenset({as_decimal} if language == "english" else {as_integer, as_decimal})


def _plain(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _shifted(reading: str, places: int) -> str:
    """The reading times ten to the `places`, exactly: a Decimal would round long ones."""
    whole, _, fraction = reading.partition(".")
    if not places or "." in fraction or "-" in reading:
        return reading
    padded = fraction.ljust(places, "0")
    return _plain(whole + padded[:places], padded[places:])


def _digest(reading: str) -> str:
    if "-" in reading or reading.count(".") > 1:
        return reading
    return reading.replace(".", "").strip("0") or "0"


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
