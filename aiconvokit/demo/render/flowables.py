"""Typed blocks become what reportlab sets on the page."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    PageBreak,
    PageBreakIfNotEmpty,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from aiconvokit.demo.render import layout
from aiconvokit.demo.render.charts import CHARTS
from aiconvokit.demo.render.markup import Block, Directive, Heading, Row, TableBlock, Text

TEXT_STYLES = {
    "paragraph": layout.BODY,
    "bullet": layout.BULLET,
    "quote": layout.QUOTE,
    "clause": layout.CLAUSE,
    "item": layout.ITEM,
}
ROOM_FOR_SECTION = 30 * mm  # a section that starts lower than this moves to the next page
WHOLE_TABLE_ROWS = 36  # a table up to this many rows stays on one page
FIGURE_WIDTH = 62.0
NARROW_FIGURE_WIDTH = 50.0  # in tables of more than five columns of figures
NOTE_WIDTH = 30.0

_FIGURE = re.compile(r"[(\-€]*[\d.,]+[%)]*(?: ?(?:x|%|years?|m))?|\N{EN DASH}|n/a|")


Rule = tuple[str, tuple[int, int], tuple[int, int], *tuple[Any, ...]]  # TableStyle's own shape


def flowables(blocks: Iterable[Block]) -> Iterator[Flowable]:
    """What the blocks look like; a chapter opens a page, a heading stays with what follows it."""
    headings: list[Flowable] = []
    for block in blocks:
        match block:
            case Heading(level=1):
                yield PageBreakIfNotEmpty()
                yield layout.HeadingParagraph(block.text, 1)
            case Heading():
                yield CondPageBreak(ROOM_FOR_SECTION)
                headings.append(layout.HeadingParagraph(block.text, block.level))
            case Text():
                yield from (*headings, _text(block))
                headings = []
            case TableBlock():
                yield from _table(block, headings)
                headings = []
            case Directive():
                yield from _drawn(block)


def _text(block: Text) -> Paragraph:
    label = "\N{BULLET}" if block.kind == "bullet" else block.label
    return Paragraph(block.text, TEXT_STYLES[block.kind], bulletText=label or None)


def _drawn(block: Directive) -> Iterator[Flowable]:
    match block.name:
        case "page":
            yield PageBreak()
        case "chart":
            yield KeepTogether([Spacer(0, 4), CHARTS[block.argument](), Spacer(0, 8)])
        case "signatures":
            yield _signatures(block.argument.split("|"))
        case name:
            raise KeyError(name)


def _table(block: TableBlock, headings: list[Flowable]) -> Iterator[Flowable]:
    count = max(len(row.cells) for row in block.rows)
    numeric = _numeric(block.rows, count)
    grid = [_cells(row, numeric, count) for row in block.rows]
    table = Table(grid, colWidths=_widths(block, numeric), repeatRows=1, hAlign="LEFT")
    table.setStyle(TableStyle(_rules(block.rows, "TOP" if block.widths else "BOTTOM")))
    parts = [*headings, *([Paragraph(block.title, layout.CAPTION)] if block.title else [])]
    if len(block.rows) <= WHOLE_TABLE_ROWS:
        yield KeepTogether([*parts, table])
    else:
        yield from (*parts, table)
    yield Spacer(0, 9)


def _numeric(rows: list[Row], count: int) -> list[bool]:
    """Which columns stand right: the figures at the right end of a table.

    A figure column with words to its right would run into them.
    """
    flags = [False] * count
    for column in reversed(range(1, count)):
        if not _is_numeric(rows, column):
            break
        flags[column] = True
    return flags


def _is_numeric(rows: list[Row], column: int) -> bool:
    if rows[0].cells[column : column + 1] == ["Note"]:
        return True
    texts = [row.cells[column] for row in rows if row.kind != "head" and column < len(row.cells)]
    return any(texts) and all(_FIGURE.fullmatch(text) for text in texts)


def _cells(row: Row, numeric: list[bool], count: int) -> list[Paragraph]:
    style = layout.CELL
    if row.kind == "head":
        style = layout.CELL_HEAD
    elif row.kind in {"total", "group"}:
        style = layout.CELL_BOLD
    right = style.clone(style.name + "Right", alignment=TA_RIGHT)
    padded = row.cells + [""] * (count - len(row.cells))
    return [
        Paragraph(text, right if is_figure else style)
        for text, is_figure in zip(padded, numeric, strict=True)
    ]


def _widths(block: TableBlock, numeric: list[bool]) -> list[float]:
    if block.widths:
        return [layout.TEXT_WIDTH * width / 100 for width in block.widths]
    head = block.rows[0].cells
    width = FIGURE_WIDTH if sum(numeric) <= 5 else NARROW_FIGURE_WIDTH
    narrow = [
        NOTE_WIDTH if text == "Note" else width
        for text, is_figure in zip(head, numeric, strict=False)
        if is_figure
    ]
    rest = (layout.TEXT_WIDTH - sum(narrow)) / (len(numeric) - len(narrow))
    widths = iter(narrow)
    return [next(widths) if is_figure else rest for is_figure in numeric]


def _rules(rows: list[Row], valign: str) -> list[Rule]:
    rules: list[Rule] = [
        ("VALIGN", (0, 0), (-1, -1), valign),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, layout.ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, layout.PALE),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, layout.ACCENT),
    ]
    for number, row in enumerate(rows):
        if row.kind == "total":
            rules.append(("LINEABOVE", (0, number), (-1, number), 0.5, layout.INK))
            rules.append(("BACKGROUND", (0, number), (-1, number), layout.PALE))
    return rules


def _signatures(parties: list[str]) -> Flowable:
    style: ParagraphStyle = layout.CELL
    lines = ["Signature: ______________________", "Name:", "Title:", "Place and date:"]
    columns = []
    for party in parties:
        name, *values = (part.strip() for part in party.split(";"))
        filled = [f"{line} {value}" for line, value in zip(lines[1:], values, strict=True)]
        columns.append([Paragraph(f"<b>{name}</b>", style), Spacer(0, 22)])
        columns[-1] += [Paragraph(line, style) for line in (lines[0], *filled)]
    table = Table([columns], colWidths=[layout.TEXT_WIDTH / len(parties)] * len(parties))
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return KeepTogether([Spacer(0, 12), table])
