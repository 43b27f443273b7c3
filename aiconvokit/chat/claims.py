"""An answer in Markdown becomes claims: what it states, one statement at a time."""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiconvokit.chat.sentences import Span, sentences, trimmed
from aiconvokit.chat.units import MARKDOWN_HEADING

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_BULLET = re.compile(
    r"\s*+(?:>\s*+)*+(?:[-*+\u2022\u25aa\u25cf\u2013]|\d{1,3}[.)]|\([a-z\d]{1,4}\))\s+"
)
_QUOTE = re.compile(r"\s*+(?:>\s*+)++")
# Possessive: each run of white space is tried once, so that time grows with the line's length.
_RULE = re.compile(r"\s*+\|?\s*+:?-{2,}+:?\s*+(?:\|\s*+:?-{2,}+:?\s*+)*+\|?\s*+")
_ROW = re.compile(r"\s*+\|.*\|\s*+")
_TICKS = re.compile(r"`+")
_BAR = re.compile(r"\\.|`[^`\n]*`|\|")


def code_spans(text: str) -> list[Span]:
    """Fenced blocks of a Markdown text (an open one reaches to the end) and inline code."""
    spans: list[Span] = []
    opened: tuple[int, str] | None = None
    for line in _LINE.finditer(text):
        fence = _FENCE.match(line.group())
        if opened is None and fence:
            opened = line.start(), fence.group(1)
        elif opened and fence and fence.group(1).startswith(opened[1]):
            spans.append(Span(opened[0], line.end()))
            opened = None
        elif opened is None:
            spans += _inline_code(line)
    if opened:
        spans.append(Span(opened[0], len(text)))
    return spans


def _inline_code(line: re.Match[str]) -> Iterator[Span]:
    """From a run of backticks to the next one of the same length."""
    runs = list(_TICKS.finditer(line.group()))
    partner: dict[int, int] = {}
    last: dict[int, int] = {}
    for at in range(len(runs) - 1, -1, -1):
        length = len(runs[at].group())
        if length in last:
            partner[at] = last[length]
        last[length] = at
    at = 0
    while at < len(runs):
        if at in partner:
            end = line.start() + runs[partner[at]].end()
            yield Span(line.start() + runs[at].start(), end)
        at = partner.get(at, at) + 1


def holder(spans: Sequence[Span], position: int) -> Span | None:
    """The last of these spans, in order and apart, that begins at or before a position."""
    at = bisect.bisect_right(spans, position, key=lambda span: span.start) - 1
    return spans[at] if at >= 0 else None


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim, `text[span.start:span.end]`; a table's cell with its row's label and its head."""

    span: Span
    label: str = ""
    head: str = ""

    @property
    def length(self) -> int:
        """Characters of all three."""
        return self.span.end - self.span.start + len(self.label) + len(self.head)


def split_claims(text: str) -> list[Stated]:
    """Cut an answer in Markdown into claims, in their order; no two overlap.

    Sentences, also those of list items, and the cells of tables. Headings, fenced code, the head
    row of a table and the first cell of a row, its label, claim nothing.
    """
    claims: list[Stated] = []
    head: list[str] = []
    for block in _blocks(text):
        if not _ROW.fullmatch(text, block.span.start, block.span.end):
            found = sentences(text, block.span.start, block.span.end)
            claims += [Stated(span) for span in found]
        elif block.is_head:
            head = [text[cell.start : cell.end].strip() for cell in _cells(text, block.span)]
        else:
            claims += _row_claims(text, block, head)
    return _whole_code(claims, code_spans(text))


def _row_claims(text: str, block: "_Block", head: Sequence[str]) -> Iterator[Stated]:
    """The cells behind the label; a row with one cell that says something is that cell."""
    cells = list(_cells(text, block.span))
    filled = [
        (at, span) for at, cell in enumerate(cells) for span in trimmed(text, cell.start, cell.end)
    ]
    if len(filled) == 1:
        yield Stated(filled[0][1])
        return
    label = text[filled[0][1].start : filled[0][1].end] if filled else ""
    heads = head if block.is_under_head else ()
    for at, span in filled[1:]:
        yield Stated(span, label, heads[at] if at < len(heads) else "")


def _cells(text: str, row: Span) -> Iterator[Span]:
    """What stands between the bars of a row; a bar in code or behind a backslash parts nothing."""
    begin = text.index("|", row.start) + 1
    last = text.rindex("|", begin - 1, row.end)
    for match in _BAR.finditer(text, begin, last):
        if match.group() == "|":
            yield Span(begin, match.start())
            begin = match.end()
    if begin <= last:
        yield Span(begin, last)


def _whole_code(claims: list[Stated], code: list[Span]) -> list[Stated]:
    """Inline code is not cut: a claim that ends in it goes on with the next one."""
    whole: list[Stated] = []
    for claim in claims:
        before = whole[-1] if whole else None
        inside = before and holder(code, before.span.end - 1)
        if before and inside and before.span.end < inside.end:
            span = Span(before.span.start, claim.span.end)
            whole[-1] = Stated(span, before.label, before.head)
        else:
            whole.append(claim)
    return whole


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph, a list item or a table row; rows under a head belong to it."""

    span: Span
    is_head: bool = False
    is_under_head: bool = False


def _blocks(text: str) -> Iterator[_Block]:
    """Paragraphs, list items and table rows; a line joins the paragraph above it."""
    fenced = [span for span in code_spans(text) if _FENCE.match(text, span.start)]
    lines = [
        line
        for line in _LINE.finditer(text)
        if not ((block := holder(fenced, line.start())) and line.start() < block.end)
    ]
    open_block: Span | None = None
    under_head = False
    for index, line in enumerate(lines):
        content = _content(line)
        alone = content is None or _starts_block(line)
        if open_block and (alone or _gap(text, open_block.end, line.start())):
            yield _Block(open_block)
            open_block = None
        if content is None:
            under_head = under_head and bool(_RULE.fullmatch(line.group()))
        elif _ROW.fullmatch(line.group()):
            is_head = _is_table_head(lines, index)
            under_head = under_head or is_head
            yield _Block(Span(content, line.end()), is_head, under_head)
        else:
            under_head = False
            open_block = Span(open_block.start if open_block else content, line.end())
    if open_block:
        yield _Block(open_block)


def _content(line: re.Match[str]) -> int | None:
    """Where a line's own words begin; None for a line without any (rule, heading, blank)."""
    text = line.group()
    if not text.strip() or MARKDOWN_HEADING.match(text) or _RULE.fullmatch(text):
        return None
    marker = _BULLET.match(text) or _QUOTE.match(text)
    return line.start() + (marker.end() if marker else 0)


def _starts_block(line: re.Match[str]) -> bool:
    return bool(_BULLET.match(line.group()) or _ROW.fullmatch(line.group()))


def _is_table_head(lines: list[re.Match[str]], index: int) -> bool:
    following = lines[index + 1].group() if index + 1 < len(lines) else ""
    return bool(_ROW.fullmatch(lines[index].group()) and _RULE.fullmatch(following))


def _gap(text: str, end: int, start: int) -> bool:
    """Whether a blank line, or a block of code, stands between."""
    between = text[end:start]
    return between.count("\n") > 1 or bool(between.strip())
