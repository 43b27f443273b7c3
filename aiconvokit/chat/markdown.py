"""What the lines of an answer in Markdown are: prose, list items, table rows, rules, code."""

import bisect
import re
from collections.abc import Iterator, Sequence

from aiconvokit.chat.sentences import Span, trimmed
from aiconvokit.chat.units import MARKDOWN_HEADING

LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
# Possessive: each run of white space is tried once, so that time grows with the line's length.
RULE = re.compile(r"\s*+\|?\s*+:?-{2,}+:?\s*+(?:\|\s*+:?-{2,}+:?\s*+)*+\|?\s*+")
ROW = re.compile(r"\s*+\|.*\|\s*+")
TICKS = re.compile(r"`+")
_BULLET = re.compile(
    r"\s*+(?:>\s*+)*+(?:[-*+\u2022\u25aa\u25cf\u2013]|\d{1,3}[.)]|\([a-z\d]{1,4}\))\s+"
)
_QUOTE = re.compile(r"\s*+(?:>\s*+)++")
_BAR = re.compile(r"\\.|`[^`\n]*`|\|")
_UNSURE = re.compile(
    r"\s*+(?:\|.*|[-:|\s]++|\#{1,6}|`{1,}|~{1,}"
    r"|(?:>\s*+)*+(?:[-*+\u2022\u25aa\u25cf\u2013]|\d{1,3}[.)]?|\([a-z\d]{0,4}\)?)?)\Z",
    re.DOTALL,
)


def code_spans(text: str) -> list[Span]:
    """Fenced blocks of a Markdown text (an open one reaches to the end) and inline code."""
    spans: list[Span] = []
    opened: tuple[int, str] | None = None
    for line in LINE.finditer(text):
        fence = FENCE.match(line.group())
        if opened is None and fence:
            opened = line.start(), fence.group(1)
        elif opened and fence and fence.group(1).startswith(opened[1]):
            spans.append(Span(opened[0], line.end()))
            opened = None
        elif opened is None:
            spans += inline_code(text, line.start(), line.end())
    if opened:
        spans.append(Span(opened[0], len(text)))
    return spans


def inline_code(text: str, start: int, end: int) -> Iterator[Span]:
    """In a line `text[start:end]`: from a run of backticks to the next one of the same length."""
    runs = list(TICKS.finditer(text, start, end))
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
            yield Span(runs[at].start(), runs[partner[at]].end())
        at = partner.get(at, at) + 1


def open_code(text: str, start: int, end: int) -> int | None:
    """Behind the first backticks without a partner yet in an unfinished line `text[start:end]`."""
    # A run at the end may grow, and is another one's partner then.
    whole = [span for span in inline_code(text, start, end) if span.end < end]
    for run in TICKS.finditer(text, start, end):
        span = holder(whole, run.start())
        if span is None or span.end <= run.start():
            return run.end()
    return None


def holder(spans: Sequence[Span], position: int) -> Span | None:
    """The last of these spans, in order and apart, that begins at or before a position."""
    at = bisect.bisect_right(spans, position, key=lambda span: span.start) - 1
    return spans[at] if at >= 0 else None


def cells(text: str, row: Span) -> Iterator[Span]:
    """What stands between the bars of a row; a bar in code or behind a backslash parts nothing."""
    begin = text.index("|", row.start) + 1
    last = text.rindex("|", begin - 1, row.end)
    for match in _BAR.finditer(text, begin, last):
        if match.group() == "|":
            yield Span(begin, match.start())
            begin = match.end()
    if begin <= last:
        yield Span(begin, last)


def filled_cells(text: str, row: Span) -> list[tuple[int, Span]]:
    """The cells that say something, without white space around it, with their columns."""
    return [
        (at, span)
        for at, cell in enumerate(cells(text, row))
        for span in trimmed(text, cell.start, cell.end)
    ]


def content_start(line: str) -> int | None:
    """Where a line's own words begin; None for a line without any (rule, heading, blank)."""
    if not line.strip() or MARKDOWN_HEADING.match(line) or RULE.fullmatch(line):
        return None
    marker = _BULLET.match(line) or _QUOTE.match(line)
    return marker.end() if marker else 0


def starts_block(line: str) -> bool:
    """Whether a line of words is a list item or a table row: it joins nothing above it."""
    return bool(_BULLET.match(line) or ROW.fullmatch(line))


def is_unsure(line: str) -> bool:
    """Whether more text may make a list item, a row, a rule, a heading or a fence of a line."""
    return bool(_UNSURE.match(line))


def is_gap(text: str, end: int, start: int) -> bool:
    """Whether a blank line, or a block of code, stands between."""
    between = text[end:start]
    return between.count("\n") > 1 or bool(between.strip())
