"""The model's own marks: `[3]`, `[1, 2]`, `[1-3]`, `[^1]`, `【1†source】`, `(1)`."""

import itertools
import re
import unicodedata
from collections import deque
from collections.abc import Sequence

from aiconvokit.chat.markdown import code_spans, holder
from ingestion.language import STOP_WORDS

BLANKS = " \t\u00a0\u202f"
"""White space that goes with the mark after it."""

MAX_RANGE = 20
"""A mark such as [1-99] stands for no more passages than a prompt holds."""

MAX_ROUNDS = 5
"""Marks inside marks that are taken out one by one; no honest answer nests them deeper."""

WORD_REACH = 50
"""Characters before "(1)" in which the word is looked for that it may belong to."""

NAMES = ("passages", "sources", "documents", "docs", "refs", "citations", "quelle", "fuente")
"""What models write before the number; all but the last two without the "s" as well."""

_NAME = r"(?:(?:passages?|sources?|documents?|docs?|refs?|citations?|quelle|fuente)\s*+:?\s*+)?"
MARK = re.compile(
    rf"(?:\[\^?|\u3010|\uff3b)\s*+{_NAME}(?P<numbers>\d{{1,3}}(?:\s*+[,;\u2013\uff0c\u3001-]\s*+"
    r"\d{1,3})*+)\s*+(?:\u2020[^\]\u3011\uff3d\n]{0,80})?[\]\u3011\uff3d](?:\(#?[^)\s]{0,300}+\))?",
    re.IGNORECASE,
)
_ROUND_BODY = (
    r"\((?P<numbers>\d{1,2})\)(?=[^\S\n]*+(?:$|[.!?;,][^\S\n]*+$|[.!?]\s))"  # "(1)" at an end
)
ROUND = re.compile(_ROUND_BODY, re.MULTILINE)
_SPACED_ROUND = re.compile(rf"(?<=\w|[\"'\u201d])[{BLANKS}]++{_ROUND_BODY}", re.MULTILINE)
_BRACKET = re.compile(r"(?P<numbers>)[\[\]\u3010\u3011\uff3b\uff3d]")
_WORD_BEFORE = re.compile(r"(\w+)\W*$")
_PART = re.compile(r"(\d+)(?:\s*[\u2013-]\s*(\d+))?")


def without_marks(answer: str, passages: int) -> tuple[str, list[tuple[int, int]]]:
    """The answer without marks outside code, and (position, n) for each mark that went.

    Taking one mark out may leave another, as in "[1[2]]": it goes on until none is left, and after
    `MAX_ROUNDS` all brackets outside code go, as what is left may be a mark. "(1)" counts only in
    an answer without other marks, at a sentence's end and up to `passages`: else it may be a number
    of the text.
    """
    text, hints = answer, list[tuple[int, int]]()
    pattern = MARK
    for rounds in itertools.count():
        marks = _found(text, pattern)
        if marks and rounds == MAX_ROUNDS:
            return _cut(text, _found(text, _BRACKET), hints)
        if not marks and not hints and pattern is MARK:
            pattern = _SPACED_ROUND
            marks = [
                mark
                for mark in _found(text, pattern)
                if is_round_mark(_before(mark), mark["numbers"], passages)
            ]
        if not marks:
            break
        text, hints = _cut(text, marks, hints)
        pattern = MARK
    return text, hints


def _found(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    marks = list(pattern.finditer(text))
    code = code_spans(text) if marks else []
    return [
        mark
        for mark in marks
        if not ((span := holder(code, mark.start("numbers"))) and mark.start("numbers") < span.end)
    ]


def is_round_mark(before: str, number: str, passages: int) -> bool:
    """Whether "(1)" behind this text is a mark, and does not belong to the word before it."""
    found = _WORD_BEFORE.search(before[-WORD_REACH:])
    word = found.group(1).lower() if found else ""
    is_text = not word or word in STOP_WORDS["english"] or word.isdigit()
    return not is_text and 1 <= int(number) <= passages


def _before(mark: re.Match[str]) -> str:
    return mark.string[max(0, mark.start() - WORD_REACH) : mark.start()]


def numbers_of(mark: re.Match[str]) -> list[int]:
    """The passages that a mark points at."""
    found: list[int] = []
    for first, last in _PART.findall(unicodedata.normalize("NFKC", mark["numbers"])):
        end = min(int(last or first), int(first) + MAX_RANGE)
        found += range(int(first), end + 1) if end > int(first) else [int(first)]
    return list(dict.fromkeys(found))


def _cut(
    text: str, marks: Sequence[re.Match[str]], hints: Sequence[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    kept: list[str] = []
    moved: list[tuple[int, int]] = []
    begin = removed = 0
    waiting = deque(sorted(hints))
    for mark in marks:
        while waiting and waiting[0][0] <= mark.start():
            position, number = waiting.popleft()
            moved.append((position - removed, number))
        kept.append(text[begin : mark.start()].rstrip(BLANKS))
        removed += mark.start() - begin - len(kept[-1])
        place = mark.start() - removed
        moved += [(place, number) for number in numbers_of(mark)]
        removed += mark.end() - mark.start()
        begin = mark.end()
    moved += [(max(0, position - removed), number) for position, number in waiting]
    return "".join([*kept, text[begin:]]), moved
