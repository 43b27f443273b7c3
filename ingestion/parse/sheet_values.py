"""A spreadsheet's values, much as the program shows them."""

import datetime as dt
import re
from functools import cache
from typing import NamedTuple

GENERAL = "General"

_SECTIONS = re.compile(r'((?:"[^"]*"|\[[^\]]*\]|\\.|[^;])*)(?:;|$)')
_TOKENS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|[_*].|E[+-]|[#0?][#0?.,]*|\.[#0?]+|.', re.DOTALL)
_CURRENCY = re.compile(r"\[\$([^\]-]*)")
_MAX_DECIMALS = 10
_MAX_FORMAT_CHARS = 200


class _Format(NamedTuple):
    before: str
    after: str
    least_digits: int
    least_decimals: int
    most_decimals: int
    grouped: bool
    scale: float


def shown(value: object, number_format: str) -> str:
    """A cell as text: dates in ISO form, numbers with their percent sign, currency and grouping.

    Scientific formats, fractions and conditions fall back to the plain number.
    """
    match value:
        case bool():
            text = str(value).upper()
        case int() | float():
            text = _number(value, number_format)
        case dt.datetime():
            midnight = value.time() == dt.time()
            text = value.date().isoformat() if midnight else value.isoformat(" ", "auto")
        case dt.date() | dt.time():
            text = value.isoformat()
        case _:
            text = "" if value is None else str(value)
    return text


def _number(value: float, number_format: str) -> str:
    sections = _sections(number_format or GENERAL)
    negative_section = value < 0 and len(sections) > 1
    form = sections[1] if negative_section else sections[0]
    if form is None:
        return _plain(value)
    size = abs(value) * form.scale
    text = f"{size:{',' if form.grouped else ''}.{form.most_decimals}f}"
    for _ in range(form.most_decimals - form.least_decimals):
        text = text.removesuffix("0")
    text = text.removesuffix(".")
    text = text.zfill(form.least_digits + len(text) - len(text.partition(".")[0]))
    sign = "-" if value < 0 and not negative_section and text.strip("0.,") else ""
    return f"{sign}{form.before}{text}{form.after}"


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.15g}"


@cache
def _sections(number_format: str) -> list[_Format | None]:
    """Formats for positive (and zero) and negative numbers; None for what is shown plain."""
    found = _SECTIONS.findall(number_format[:_MAX_FORMAT_CHARS])
    return [_section(section) for section in found[:2] if section] or [None]


def _section(section: str) -> _Format | None:
    before, after, digits = "", "", ""
    for token in _TOKENS.findall(section):
        if token[0] in "#0?." and len(token.strip("#0?.,")) == 0 and not digits:
            digits = token
        elif token[0] in "#0?/@" or token[:2] in {"E+", "E-"}:
            return None
        elif digits:
            after += _literal(token)
        else:
            before += _literal(token)
    if not digits or GENERAL in section:
        return None
    whole, _, decimals = digits.partition(".")
    scaled = len(digits) - len(digits.rstrip(","))
    percent = "%" in before + after
    return _Format(
        before=before.lstrip(),
        after=after.rstrip(),
        least_digits=whole.count("0"),
        least_decimals=min(decimals.count("0"), _MAX_DECIMALS),
        most_decimals=min(len(decimals.rstrip(",")), _MAX_DECIMALS),
        grouped="," in whole.rstrip(","),
        scale=(100 if percent else 1) / 1000**scaled,
    )


def _literal(token: str) -> str:
    if token[0] == "[":
        currency = _CURRENCY.match(token)
        return currency.group(1) if currency else ""
    if token[0] in "_*" and len(token) > 1:
        return ""  # room as wide as a character, or filled with it
    return token.strip('"') if token[0] == '"' else token.removeprefix("\\")
