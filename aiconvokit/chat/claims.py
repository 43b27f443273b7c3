"""An answer in Markdown becomes claims: what it states, one statement at a time."""

import re
from collections.abc import Iterator

from aiconvokit.chat.sentences import Span, sentences, trimmed

_LINE = re.compile(r"[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s")
_BULLET = re.compile(
    r"\s*(?:>\s*)*(?:[-*+\u2022\u25aa\u25cf\u2013]|\d{1,3}[.)]|\([a-z\d]{1,4}\))\s+"
)
_QUOTE = re.compile(r"\s*(?:>\s*)+")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_ROW = re.compile(r"\s*\|.*\|\s*")


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
    for match in re.finditer(r"(`+)(?!`).+?(?<!`)\1(?!`)", line.group()):
        yield Span(line.start() + match.start(), line.start() + match.end())


def split_claims(text: str) -> list[Span]:
    """Cut an answer in Markdown into claims, in their order; no two overlap.

    Sentences, also those of list items, and table rows (without the outer bars). Headings, the
    head row of a table and fenced code claim nothing.
    """
    claims: list[Span] = []
    for block in _blocks(text):
        if _ROW.fullmatch(text, block.start, block.end):
            first = text.index("|", block.start) + 1
            claims += trimmed(text, first, text.rindex("|", first, block.end))
        else:
            claims += sentences(text, block.start, block.end)
    return _whole_code(claims, code_spans(text))


def _whole_code(claims: list[Span], code: list[Span]) -> list[Span]:
    """Inline code is not cut: a claim that ends in it goes on with the next one."""
    whole: list[Span] = []
    for claim in claims:
        if whole and any(span.start < whole[-1].end < span.end for span in code):
            whole[-1] = Span(whole[-1].start, claim.end)
        else:
            whole.append(claim)
    return whole


def _blocks(text: str) -> Iterator[Span]:
    """Paragraphs, list items and table rows; a line joins the paragraph above it."""
    fenced = [span for span in code_spans(text) if _FENCE.match(text, span.start)]
    lines = [
        line
        for line in _LINE.finditer(text)
        if not any(span.start <= line.start() < span.end for span in fenced)
    ]
    open_block: Span | None = None
    for index, line in enumerate(lines):
        content = _content(line)
        alone = content is None or _starts_block(line)
        if open_block and (alone or _gap(text, open_block.end, line.start())):
            yield open_block
            open_block = None
        if content is None or _is_table_head(lines, index):
            continue
        open_block = Span(open_block.start if open_block else content, line.end())
        if _ROW.fullmatch(line.group()):
            yield open_block
            open_block = None
    if open_block:
        yield open_block


def _content(line: re.Match[str]) -> int | None:
    """Where a line's own words begin; None for a line without any (rule, heading, blank)."""
    text = line.group()
    if not text.strip() or _HEADING.match(text) or _RULE.fullmatch(text):
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
