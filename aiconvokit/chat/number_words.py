"""Numbers written as words, up to some hundreds: "thirty (30) days" says 30 once."""

import re

from ingestion.language import letters

# "once" (Spanish 11), "neuf" (French 9, or new) and the articles ("ein", "un") mean other things.
_UNITS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
    "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9,
    "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "zehn": 10, "zwölf": 12, "vierzehn": 14, "fünfzehn": 15,
    "diez": 10, "doce": 12, "catorce": 14, "quince": 15, "dix": 10, "douze": 12, "quinze": 15,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60,
    "siebzig": 70, "achtzig": 80, "neunzig": 90, "veinte": 20, "treinta": 30, "cuarenta": 40,
    "cincuenta": 50, "sesenta": 60, "noventa": 90, "vingt": 20, "trente": 30, "quarante": 40,
    "cinquante": 50, "soixante": 60,
}  # fmt: skip
_VALUES = _UNITS | _TEENS | _TENS | {"one": 1, "a": 1, "hundred": 0}
_BELOW_100 = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[\s-](?:one|{'|'.join(_UNITS)}))?"
    rf"|{'|'.join(_TEENS)}|{'|'.join(_UNITS)})"
)
_COUNTED = r"years?|months?|weeks?|days?|hours?|percent|per\s?cent|thousand|million|billion"
_WORDS = re.compile(
    rf"\b(?:(?P<hundreds>one|a|{'|'.join(_UNITS)})\s+hundred(?:\s+(?:and\s+)?"
    rf"(?P<rest>one|{_BELOW_100}))?|(?P<small>{_BELOW_100})|(?P<one>one)(?=[\s-]+"
    rf"(?:\(1\)\s+)?(?:{_COUNTED})\b))\b(?!-)|\b(?P<before>{_BELOW_100}|one)(?=-(?:{_COUNTED})\b)",
    re.IGNORECASE,
)
_REPEATED = re.compile(r"\b(\d+)(\s?%|\s+percent)? \(\1(?:\2|\s?%)?\)")
_HAN_WORD = re.compile(
    r"(?<![一二两三四五六七八九十百])[一二两三四五六七八九十百]++"
    r"(?=\s?(?:天|日|年|个|月|%|万|亿|元|周|小时))"
)
_HAN_DIGITS = {"一": 1, "二": 2, "两": 2, **dict(zip("三四五六七八九", range(3, 10), strict=True))}
_ANY_HAN = re.compile("[一二两三四五六七八九十]")


def digits_for_words(text: str) -> str:
    """The text with its number words as digits; a number said twice, "thirty (30)", once."""
    written = text if _VALUES.keys().isdisjoint(letters(text)) else _WORDS.sub(_digits, text)
    if not written.isascii() and _ANY_HAN.search(written):
        written = _HAN_WORD.sub(lambda match: str(_han(match.group())), written)
    return _REPEATED.sub(r"\1\2", written) if "(" in written else written


def _digits(match: re.Match[str]) -> str:
    if match["hundreds"]:
        return str(100 * _VALUES[match["hundreds"].lower()] + _value(match["rest"] or ""))
    return str(_value(match["small"] or match["one"] or match["before"]))


def _value(words: str) -> int:
    return sum(_VALUES.get(word, 0) for word in re.split(r"[\s-]+", words.lower()))


def _han(word: str) -> int:
    """Up to 999: 三十 is 30, 十五 is 15, 一百二十 is 120."""
    total = current = 0
    for sign in word:
        if sign in _HAN_DIGITS:
            current = _HAN_DIGITS[sign]
        else:
            total += (current or 1) * (100 if sign == "百" else 10)
            current = 0
    return total + current
