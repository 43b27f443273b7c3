"""The findings for people and for programs."""

import sys
from collections.abc import Sequence
from itertools import groupby

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aiconvokit.operations.doctor.findings import Finding, State

PLAIN_WIDTH = 80
"""Columns where no terminal says how wide it is."""
WIDEST = 110
"""Longer lines are hard to read."""

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_SYMBOLS: dict[State, str] = {"ok": "✓", "warning": "!", "failed": "✗"}
_WORDS: dict[State, str] = {"ok": "fine", "warning": "to look at", "failed": "to repair"}
_ASCII: dict[State, str] = {"ok": "+", "warning": "!", "failed": "x"}
_ARROW, _ASCII_ARROW = "→", ">"


def show(findings: Sequence[Finding]) -> None:
    """Print a table to stdout, a block for each part; no colours where that is no terminal."""
    console = Console(highlight=False)
    width = min(console.width, WIDEST) if console.is_terminal else PLAIN_WIDTH
    console = Console(highlight=False, width=width)
    symbols, arrow = (_SYMBOLS, _ARROW) if _can_print("✓✗→") else (_ASCII, _ASCII_ARROW)
    label_width = max((len(_label(one)) for one in findings), default=0)
    with console.capture() as drawn:
        for part, ones in groupby(findings, key=lambda one: one.name.partition(" ")[0]):
            console.print(Text(part.capitalize(), "bold"))
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(width=len(f" {symbols['ok']}"))
            table.add_column(width=label_width)
            table.add_column(overflow="fold")
            for one in ones:
                _add(table, one, symbols[one.state], arrow)
            console.print(table)
            console.print()
        console.print(_summary(findings, symbols))
    print("\n".join(line.rstrip() for line in drawn.get().splitlines()))  # noqa: T201 - the report


def _add(table: Table, one: Finding, symbol: str, arrow: str) -> None:
    style = _STYLES[one.state]
    table.add_row(Text(f" {symbol}", style), _label(one), Text(one.found))
    if one.advice:
        hint = Table.grid(padding=(0, 1, 0, 0))
        hint.add_row(Text(arrow, style), Text(one.advice, overflow="fold"))
        table.add_row("", "", hint)


def _label(one: Finding) -> str:
    return one.name.partition(" ")[2]


def as_json(findings: Sequence[Finding]) -> str:
    """One object: {"ok": bool, "findings": [{"name", "state", "found", "advice"}]}."""
    is_ok = all(one.state != "failed" for one in findings)
    return msgspec.json.encode({"ok": is_ok, "findings": findings}).decode()


def _summary(findings: Sequence[Finding], symbols: dict[State, str]) -> Text:
    said = Text(" ")
    for state, word in _WORDS.items():
        count = sum(one.state == state for one in findings)
        said.append(f"{symbols[state]} {count} {word}    ", _STYLES[state] if count else "dim")
    return said


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
