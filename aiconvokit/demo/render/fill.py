"""Figures in text: `{m:revenue:2025}` becomes `€632.4 million`.

A reference is `kind:name:year`. Kinds: `k` thousands, `m` euro millions in words, `eur` euros from
cents, `n` a plain count, `pct:part/whole` a ratio, `chg:name` the change on the year before,
`bps:name` tenths of a percent, `x:name` tenths of a
multiple. In a table, `=name` stands for one cell per year of the table and
`=group.*.measure@2025` for one cell per part of a group and its total; `-` before the name turns
the sign.
"""

import re
from collections.abc import Callable, Sequence

from aiconvokit.demo.render.figures import GROUPS, accounts, columns
from aiconvokit.demo.render.series import rounded

_REFERENCE = re.compile(r"\{(\w+):([\w./-]+):(\d{4})\}")
_CELL = re.compile(r"=(-?)(?:(\w+):)?([\w./*]+)(?:@(\d{4}))?")
DASH = "\N{EN DASH}"


def filled(text: str) -> str:
    """The text with each reference replaced by its figure; KeyError for an unknown one."""
    return _REFERENCE.sub(lambda m: figure(m[1], m[2], int(m[3])), text)


def cells(text: str, years: Sequence[int]) -> list[str]:
    """The cells that one cell of the source stands for."""
    match = _CELL.fullmatch(text)
    if match is None:
        return [filled(text)]
    sign, kind, name, year = match.groups()
    names = [name]
    if "*" in name:
        group, _, measure = name.partition(".*.")
        names = columns(group, measure) if group in GROUPS else [name]
    shown = [int(year)] if year else list(years)
    return [figure(kind or "k", sign + each, y) for each in names for y in shown]


def figure(kind: str, name: str, year: int) -> str:
    """One figure as printed."""
    if kind in {"pct", "chg"}:
        return _percentage(kind, name, year)
    value = accounts()[name.removeprefix("-")][year]
    return _PRINTED[kind](-value if name.startswith("-") else value)


def _percentage(kind: str, name: str, year: int) -> str:
    book = accounts()
    if kind == "pct":
        part, _, whole = name.partition("/")
        tenths = rounded(1000 * book[part][year], book[whole][year])
    else:
        now, before = book[name][year], book[name][year - 1]
        tenths = rounded(1000 * (now - before), before)
    return f"{tenths / 10:.1f}%"


def _thousands(value: int) -> str:
    """Accounts show an expense in brackets and nothing as a dash."""
    if not value:
        return DASH
    return f"({-value:,})" if value < 0 else f"{value:,}"


_PRINTED: dict[str, Callable[[int], str]] = {
    "k": _thousands,
    "n": "{:,}".format,
    "m": lambda value: f"€{rounded(value, 100) / 10:,.1f} million",
    "eur": lambda value: f"{value / 100:.2f}",
    "x": lambda value: f"{value / 10:.1f}",
    "bps": lambda value: f"{value / 10:.1f}%",
}
