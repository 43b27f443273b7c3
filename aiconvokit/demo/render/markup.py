"""The little markup of the texts: blocks in, typed blocks out.

Headings `#` and `##`, paragraphs, `- ` bullets, `> ` quotations, pipe tables whose first row is the
head, numbered clauses (`1.2 `, `(a) `), and directives on a line of their own: `@years 2025 2024`,
`@widths 40 30 30` (percent) and `@title …` for the next table; `@chart name`, `@page` and
`@signatures a | b` by themselves.
A table row that opens with `|*` is a total, with `|_` a heading within the table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from aiconvokit.demo.render.fill import cells, filled

RowKind = Literal["head", "plain", "total", "group"]
TextKind = Literal["paragraph", "bullet", "quote", "clause", "item"]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 opens a chapter."""

    level: int
    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph of one kind; `label` is a clause's or an item's number."""

    kind: TextKind
    text: str
    label: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    kind: RowKind
    cells: list[str]


@dataclass(frozen=True)
class TableBlock:
    """A table; `widths` in percent, empty for a table of figures."""

    rows: list[Row]
    title: str
    widths: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Directive:
    """Something that is drawn and not written."""

    name: str
    argument: str


Block = Heading | Text | TableBlock | Directive

_CLAUSE = re.compile(r"(\d+\.\d+)\s+")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITEM = re.compile(r"(\([a-z]\))\s+")
_ROW_KINDS: dict[str, RowKind] = {"*": "total", "_": "group"}


def blocks(source: str) -> Iterator[Block]:
    """The blocks of a text, its figures filled in; blocks are parted by blank lines."""
    table_options: dict[str, str] = {}
    for chunk in re.split(r"\n\s*\n", source.strip()):
        lines = chunk.splitlines()
        while lines and lines[0].startswith("@"):
            name, _, argument = lines.pop(0)[1:].partition(" ")
            if name in {"years", "widths", "title"}:
                table_options[name] = argument
            else:
                yield Directive(name, argument)
        if lines and lines[0].startswith("|"):
            yield _table(lines, table_options)
            table_options = {}
        elif lines:
            yield from _texts(lines)


def _texts(lines: list[str]) -> Iterator[Block]:
    first = lines[0]
    if first.startswith("#"):
        marks, _, text = first.partition(" ")
        yield Heading(len(marks), filled(text))
    elif first.startswith("- "):
        for bullet in "\n".join(lines).removeprefix("- ").split("\n- "):
            yield Text("bullet", _joined(bullet))
    elif first.startswith("> "):
        yield Text("quote", _joined("\n".join(line.removeprefix("> ") for line in lines)))
    else:
        yield _paragraph(_joined("\n".join(lines)))


def _paragraph(text: str) -> Text:
    if match := _CLAUSE.match(text):
        return Text("clause", text[match.end() :], match[1])
    if match := _ITEM.match(text):
        return Text("item", text[match.end() :], match[1])
    return Text("paragraph", text)


def _joined(text: str) -> str:
    flat = escape(filled(" ".join(line.strip() for line in text.split("\n"))), quote=False)
    return _BOLD.sub(r"<b>\1</b>", flat)


def _table(lines: list[str], options: dict[str, str]) -> TableBlock:
    years = [int(year) for year in options.get("years", "").split()]
    rows: list[Row] = []
    for number, line in enumerate(lines):
        mark = line[1]
        kind: RowKind = "plain" if number else "head"
        kind = _ROW_KINDS.get(mark, kind)
        body = line[2:] if mark in _ROW_KINDS else line[1:]
        source = [cell.strip() for cell in body.rstrip().removesuffix("|").split("|")]
        rows.append(
            Row(kind, [escape(cell, quote=False) for each in source for cell in cells(each, years)])
        )
    widths = [int(width) for width in options.get("widths", "").split()]
    return TableBlock(rows, filled(options.get("title", "")), widths)
