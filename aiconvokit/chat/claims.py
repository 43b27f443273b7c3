"""An answer in Markdown becomes claims: what it states, one statement at a time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aiconvokit.chat.markdown import (
    FENCE,
    LINE,
    ROW,
    RULE,
    cells,
    content_start,
    filled_cells,
    holder,
    inline_code,
    is_gap,
    is_unsure,
    open_code,
    starts_block,
)
from aiconvokit.chat.sentences import Ends, Span, trimmed

_BLANKS = re.compile(r"[^\S\n]*")


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim, `text[span.start:span.end]`; a table's cell with its row's label and its head.

    `body` is that text. Marks up to `reach` are the claim's, those behind it are the next one's.
    """

    span: Span
    label: str = ""
    head: str = ""
    reach: int = 0
    body: str = ""

    @property
    def length(self) -> int:
        """Characters of all three."""
        return len(self.body) + len(self.label) + len(self.head)


def split_claims(text: str) -> list[Stated]:
    """Cut an answer in Markdown into claims, in their order; no two overlap.

    Sentences, also those of list items, and the cells of tables. Headings, fenced code, the head
    row of a table and the first cell of a row, its label, claim nothing.
    """
    return Splitter().feed(text, is_last=True)


@dataclass(slots=True)
class _Paragraph:
    """Lines of prose, or a list item, from behind its last claim on.

    `start` is where the open claim begins; `ends` may be further, as code is not cut.
    """

    start: int
    until: int
    ends: Ends
    may_be_row: bool
    code: list[Span] = field(default_factory=list)
    coded: int = 0
    """Up to here it is known what is `code`."""


@dataclass(slots=True)
class _Line:
    """An unfinished line: where it begins, how far it was read, and whether it is sure what it is.

    One that begins with a bar may be a table's row until it ends.
    """

    start: int
    read: int
    is_bar: bool
    is_sure: bool = False


class Splitter:
    """Cuts an answer that grows into claims, each as soon as no more text can change it.

    `sure` tells how far the text cannot get a claim's end any more: so much may be shown. Positions
    count from the answer's start; only the text behind the last claim is kept.
    """

    def __init__(self) -> None:
        self.sure = 0
        self._text = ""
        self._gone = 0  # characters in front of `_text`
        self._line = 0  # where the first line begins that is not taken
        self._begun: _Line | None = None  # that line, when something of it is there
        self._open: _Paragraph | None = None
        self._row: Span | None = None  # the line after it tells whether it is a head
        self._fence: str | None = None
        self._head: list[str] = []
        self._is_under_head = False
        self._closed: list[Stated] = []

    @property
    def has_begun(self) -> bool:
        """Whether another claim begins behind those that were returned."""
        block = self._open
        return block is not None and bool(self._text[block.start : block.until].strip())

    def feed(self, text: str, *, is_last: bool = False) -> list[Stated]:
        """The claims that are closed with this text behind the rest.

        Args:
            text: does not end in white space, unless it is the last.
            is_last: nothing follows.
        """
        self._text += text
        self._closed = []
        self._take_lines(is_last=is_last)
        if is_last:
            self._end_row(is_head=False)
            self._end_paragraph()
        sure = len(self._text) if is_last else self._unfinished_line()
        self.sure = max(self.sure, self._gone + sure)
        self._forget()
        return self._closed

    def _take_lines(self, *, is_last: bool) -> None:
        """All lines that are whole."""
        text = self._text
        while True:
            begun = self._begun
            if begun is None:
                line = LINE.search(text, self._line)
                start, end = line.span() if line else (0, 0)
            else:
                line = LINE.match(text, begun.read)
                start, end = begun.start, line.end() if line else begun.read
            if end == 0 or (end == len(text) and not is_last):
                return
            if begun and begun.is_sure and self._open:
                self._open.until = end
            else:
                self._take(Span(start, end))
            self._line, self._begun = end, None

    def _take(self, line: Span) -> None:
        text = self._text[line.start : line.end]
        fence = FENCE.match(text)
        if self._fence is not None or fence:
            self._take_code(fence)
            return
        content = content_start(text)
        is_rule = bool(RULE.fullmatch(text))
        self._end_above(line, is_alone=content is None or starts_block(text), is_rule=is_rule)
        if content is None:
            self._is_under_head = self._is_under_head and is_rule
        elif ROW.fullmatch(text):
            self._row = line
        else:
            self._join(line, content)

    def _take_code(self, fence: re.Match[str] | None) -> None:
        if fence and self._fence is None:
            self._end_row(is_head=False)
            self._end_paragraph()
            self._fence = fence.group(1)
        elif fence and self._fence and fence.group(1).startswith(self._fence):
            self._fence = None

    def _unfinished_line(self) -> int:
        """Read what is there of the last line; how far nothing can change."""
        end = len(self._text)
        begun = self._begun = self._begun or self._new_line()
        if begun is None:
            return end
        begun.read = end
        if self._fence is not None:
            return end
        line = Span(begun.start, end)
        if not begun.is_sure:
            text = "" if begun.is_bar else self._text[line.start : end]
            if begun.is_bar or is_unsure(text):
                return self._sure_before(line)
            begun.is_sure = True
            self._begin(line, text)
        if self._open is None:  # a heading, or a fence
            return end
        self._open.until = end
        return self._close_sentences(self._open, is_unfinished=True)

    def _new_line(self) -> _Line | None:
        line = LINE.search(self._text, self._line)
        if line is None:
            return None
        return _Line(line.start(), line.end(), line.group().lstrip().startswith("|"))

    def _begin(self, line: Span, text: str) -> None:
        """An unfinished line of which it is sure what it is: no row and no rule."""
        content = None if FENCE.match(text) else content_start(text)
        self._end_above(line, is_alone=content is None or starts_block(text), is_rule=False)
        if content is not None:
            self._join(line, content)

    def _sure_before(self, line: Span) -> int:
        """How far nothing can change while it is unknown what a line is."""
        if self._row:
            return self._row.start
        if self._open:
            return self._close_sentences(self._open, is_unfinished=False)
        bar = self._text.find("|", line.start)
        return line.end if bar < 0 else line.start

    def _join(self, line: Span, content: int) -> None:
        """A line of prose goes on with the paragraph above it, or begins one."""
        self._is_under_head = False
        begin = line.start + content
        if self._open:
            self._open.until = line.end
        else:
            may_be_row = self._text[begin : line.end].lstrip().startswith("|")
            self._open = _Paragraph(begin, line.end, Ends(begin), may_be_row, coded=begin)

    def _end_above(self, line: Span, *, is_alone: bool, is_rule: bool) -> None:
        """End what stands above a line and does not go on in it."""
        self._end_row(is_head=is_rule)
        if self._open and (is_alone or is_gap(self._text, self._open.until, line.start)):
            self._end_paragraph()

    def _end_paragraph(self) -> None:
        block, self._open = self._open, None
        if block is None:
            return
        if block.may_be_row and ROW.fullmatch(self._text, block.start, block.until):
            self._add_row(Span(block.start, block.until), ())
            return
        self._read_code(block, is_unfinished=False)
        while (end := block.ends.following(self._text, block.until)) is not None:
            self._close(block, end)
        block.code.clear()
        self._close(block, block.until)

    def _close_sentences(self, block: _Paragraph, *, is_unfinished: bool) -> int:
        """Close those that end whatever follows; how far no other one can end.

        `is_unfinished`: its last line is, and code that is open in it may hold stops.
        """
        if block.may_be_row:
            return block.start
        limit = self._read_code(block, is_unfinished=is_unfinished)
        while (end := block.ends.following(self._text, limit, may_grow=True)) is not None:
            self._close(block, end)
        if block.ends.unsure is not None:
            return block.ends.unsure
        while limit > block.start and self._text[limit - 1].isspace():
            limit -= 1
        return limit

    def _read_code(self, block: _Paragraph, *, is_unfinished: bool) -> int:
        """Find the inline code; how far it is known, with the backticks that may open more."""
        text = self._text
        if text.find("`", block.coded, block.until) < 0:
            block.coded = block.until
            return block.until
        for line in LINE.finditer(text, block.coded, block.until):
            is_last = is_unfinished and line.end() == block.until
            opened = open_code(text, *line.span()) if is_last else None
            limit = line.end() if opened is None else opened
            block.code += [
                span for span in inline_code(text, *line.span()) if not is_last or span.end <= limit
            ]
            if opened is not None:
                block.coded = block.code[-1].end if block.code else block.coded
                return opened
        block.coded = block.until
        return block.until

    def _close(self, block: _Paragraph, end: int) -> None:
        """Inline code is not cut: a claim that ends in it goes on with the next sentence."""
        if _is_inside(block.code, end):
            return
        for span in trimmed(self._text, block.start, end):
            reach = _BLANKS.match(self._text, span.end)
            self._add(Stated(span, reach=reach.end() if reach else span.end))
        block.start = end

    def _end_row(self, *, is_head: bool) -> None:
        row, self._row = self._row, None
        if row is None:
            return
        self._is_under_head = self._is_under_head or is_head
        if is_head:
            self._head = [self._text[one.start : one.end].strip() for one in cells(self._text, row)]
        else:
            self._add_row(row, self._head if self._is_under_head else ())

    def _add_row(self, row: Span, heads: Sequence[str]) -> None:
        """The cells behind the label; a row with one cell that says something is that cell."""
        found = filled_cells(self._text, row)
        label = ""
        if len(found) > 1:
            (_, first), *found = found
            label = self._text[first.start : first.end]
        whole = list(_whole(found, self._code(row.start, row.end)))
        line_end = self._text.find("\n", row.end)
        ends = [*(span.start for _, span in whole[1:]), row.end if line_end < 0 else line_end]
        for (at, span), reach in zip(whole, ends, strict=False):
            head = heads[at] if label and at < len(heads) else ""
            self._add(Stated(span, label, head, reach))

    def _add(self, one: Stated) -> None:
        body = self._text[one.span.start : one.span.end]
        span = Span(one.span.start + self._gone, one.span.end + self._gone)
        self._closed.append(Stated(span, one.label, one.head, one.reach + self._gone, body))

    def _code(self, start: int, end: int) -> list[Span]:
        """The inline code in these lines."""
        if self._text.find("`", start, end) < 0:
            return []
        lines = LINE.finditer(self._text, start, end)
        return [span for line in lines for span in inline_code(self._text, *line.span())]

    def _forget(self) -> None:
        """Keep only what is not decided."""
        gone = min(
            self._begun.read if self._begun and self._begun.is_sure and self._open else self._line,
            self._row.start if self._row else len(self._text),
            self._open.start if self._open else len(self._text),
        )
        if not gone:
            return
        self._text = self._text[gone:]
        self._gone += gone
        self._line = max(0, self._line - gone)
        if self._begun:
            self._begun.start = max(0, self._begun.start - gone)
            self._begun.read -= gone
        if self._row:
            self._row = Span(self._row.start - gone, self._row.end - gone)
        if self._open:
            self._open.start, self._open.until = self._open.start - gone, self._open.until - gone
            self._open.ends.moved(gone)
            self._open.coded = max(0, self._open.coded - gone)
            self._open.code = [
                Span(one.start - gone, one.end - gone)
                for one in self._open.code
                if one.start >= gone
            ]


def _whole(found: Sequence[tuple[int, Span]], code: Sequence[Span]) -> Iterator[tuple[int, Span]]:
    """The cells, those that one piece of inline code spans as one."""
    begun: tuple[int, int] | None = None
    for at, span in found:
        begun = begun or (at, span.start)
        if span is found[-1][1] or not _is_inside(code, span.end):
            yield begun[0], Span(begun[1], span.end)
            begun = None


def _is_inside(code: Sequence[Span], end: int) -> bool:
    """Whether a piece of code goes on behind a claim that ends there."""
    span = holder(code, end - 1)
    return span is not None and end < span.end
