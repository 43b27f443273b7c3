"""The model's own marks are taken out of an answer while it comes.

What is held back is what may still become a mark, or code: white space at the end, a bracket that
began, a line with an open backtick.
"""

import re

from aiconvokit.chat.markdown import FENCE, LINE, TICKS
from aiconvokit.chat.marks import (
    BLANKS,
    MARK,
    NAMES,
    ROUND,
    WORD_REACH,
    is_round_mark,
    numbers_of,
)

MAX_HELD = 1_000
"""Characters of a mark that goes on and on: a longer one loses its bracket, so that it is none."""

MAX_NESTED = 10
"""Marks inside marks, twice what `without_marks` goes through; deeper ones lose their brackets."""

_OPENERS = "[\u3010\uff3b"
_SPECIAL = re.compile(rf"[{re.escape(_OPENERS)}(`~]")
_BREAK_OR_TICK = re.compile(r"[`\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_PREFIXES = sorted({name[:n] for name in NAMES for n in range(1, len(name) + 1)}, key=len)
_PREFIX = "|".join(reversed(_PREFIXES))
_SINGULARS = [name.removesuffix("s") for name in NAMES]
_NAME = rf"(?:{'|'.join(_SINGULARS)})s?(?![^\W\d_])\s*+:?\s*+"
_SEPARATOR = r"[,;\u2013\uff0c\u3001-]"
_NUMBERS = (
    rf"\d{{1,3}}(?:\s*+{_SEPARATOR}\s*+\d{{1,3}})*+"
    rf"(?:\s*+(?:{_SEPARATOR}\s*+|\u2020[^\]\u3011\uff3d\n]{{0,80}})?)"
)
_BEGUN = re.compile(
    rf"(?:\[\^?|\u3010|\uff3b)\s*+(?:{_NAME}(?:{_NUMBERS})?|(?:{_PREFIX})(?![^\W\d_])|{_NUMBERS})?",
    re.IGNORECASE,
)
_BLANKS = re.compile(f"[{BLANKS}]*")
_LINK_BEGUN = re.compile(r"(?:\(#?[^)\s]{0,300}+)?\Z")
_ROUND_BEGUN = re.compile(r"\(\d{0,2}(?:\)[^\S\n]*+(?:[.!?;,][^\S\n]*+)?)?\Z")
_BEFORE_ROUND = re.compile(r"[\w\"'\u201d]\Z")


class Unmarker:
    """An answer that grows, without marks: the same text and hints as `without_marks` gives.

    But for some things that no honest answer has, since what was shown stays. In an answer with
    both "(1)" and "[1]", the first one tells whether "(1)" is a mark. Of marks that are
    `MAX_NESTED` deep in each other, or longer than `MAX_HELD`, only their own brackets go. No mark
    makes code of what is around it when it goes: its line break stays, and a blank between
    backticks.
    """

    def __init__(self, passages: int) -> None:
        self._passages = passages
        self._held = ""  # not decided
        self._clean = ""  # decided, not given out
        self._given = 0
        self._before = ""  # the end of what was given out
        self._hints: list[tuple[int, int]] = []
        self._takes_round = True
        self._is_new_line = True
        self._fence: str | None = None
        self._fence_line: str | None = None  # None: the one that opens it
        self._waits_for_tick = False
        self._is_last = False

    def feed(self, text: str, *, is_last: bool = False) -> tuple[str, list[tuple[int, int]]]:
        """What is sure to be text behind the rest, and (position, n) for each mark that went.

        The text does not end in white space, unless it is the last.
        """
        self._held += text
        self._is_last = is_last
        if is_last or not self._waits_for_tick or _BREAK_OR_TICK.search(text):
            self._waits_for_tick = False
            decided = self._decide()
            self._held = self._held[decided:]
        given = self._clean if is_last else self._clean.rstrip()
        self._clean = self._clean[len(given) :]
        self._given += len(given)
        self._before = (self._before + given)[-WORD_REACH - 1 :]
        # Those behind it were inside a mark that may go as well.
        hints = [hint for hint in self._hints if hint[0] <= self._place]
        self._hints = [hint for hint in self._hints if hint[0] > self._place]
        return given, hints

    @property
    def _place(self) -> int:
        return self._given + len(self._clean)

    def _decide(self) -> int:
        """How much of what is held is decided."""
        at = 0
        while at < len(self._held):
            if self._fence is not None:
                at = self._code(at)
                continue
            special = _SPECIAL.search(self._held, at)
            if special is None or special.start() > at:
                end = special.start() if special else len(self._held)
                self._keep(self._held[at:end])
                at = end
                continue
            decided = self._special(at)
            if decided is None:
                break
            at = decided
        return at

    def _special(self, at: int) -> int | None:
        """Where what begins there ends; None: more text tells."""
        sign = self._held[at]
        if sign == "`":
            return self._ticks(at)
        if sign == "~":
            return self._tildes(at)
        return self._round(at) if sign == "(" else self._square(at)

    def _keep(self, text: str) -> None:
        self._clean += text
        lines = text.splitlines(keepends=True)
        if lines and not LINE.fullmatch(lines[-1]):
            self._is_new_line = True
        elif lines:
            is_new = self._is_new_line or len(lines) > 1
            self._is_new_line = is_new and not lines[-1].strip()

    def _is_open(self, end: int) -> bool:
        return end == len(self._held) and not self._is_last

    def _code(self, at: int) -> int:
        """What stands in a fenced block, up to the end of its line."""
        line = LINE.match(self._held, at)
        end = line.end() if line else at
        text = self._held[at:end]
        self._clean += text
        if self._fence_line is not None:
            self._fence_line += text
        if end == len(self._held):
            return end
        self._clean += self._held[end]
        fence = FENCE.match(self._fence_line or "")
        if fence and self._fence and fence.group(1).startswith(self._fence):
            self._fence, self._is_new_line = None, True
        self._fence_line = ""
        return end + 1

    def _opens_fence(self, run: str) -> bool:
        if not self._is_new_line or len(run) < len("```"):
            return False
        self._fence, self._fence_line = run, None
        return True

    def _tildes(self, at: int) -> int | None:
        end = at
        while self._held.startswith("~", end):
            end += 1
        if self._is_new_line and self._is_open(end):
            return None
        if not self._opens_fence(self._held[at:end]):
            self._keep(self._held[at:end])
            return end
        self._clean += self._held[at:end]
        return end

    def _ticks(self, at: int) -> int | None:
        end = at
        while self._held.startswith("`", end):
            end += 1
        if self._is_open(end):
            return None
        if self._opens_fence(self._held[at:end]):
            self._clean += self._held[at:end]
            return end
        code_end = self._code_end(at, end)
        if code_end is not None:
            self._keep(self._held[at:code_end])
        return code_end

    def _code_end(self, at: int, end: int) -> int | None:
        """Where the code ends that backticks open; the backticks' own end if they open none."""
        line = LINE.match(self._held, end)
        line_end = line.end() if line else end
        for run in TICKS.finditer(self._held, end, line_end):
            if self._is_open(run.end()):
                return None
            if run.end() - run.start() == end - at:
                return run.end()
        self._waits_for_tick = self._is_open(line_end)
        return None if self._waits_for_tick else end

    def _round(self, at: int) -> int | None:
        if self._takes_round and not self._is_last and _ROUND_BEGUN.match(self._held, at):
            return None
        mark = ROUND.match(self._held, at) if self._takes_round else None
        text = self._clean.rstrip(BLANKS)
        before = self._before + text
        if (
            mark is None
            or text == self._clean
            or not _BEFORE_ROUND.search(before)
            or not is_round_mark(before, mark["numbers"], self._passages)
        ):
            self._keep("(")
            return at + 1
        self._clean = text
        self._hints.append((self._place, int(mark["numbers"])))
        return mark.end()

    def _square(self, at: int) -> int | None:
        """A bracket: a mark, or not, or what becomes one when the marks in it are out."""
        around: list[int] = []
        begin = at
        while True:
            mark = MARK.match(self._held, begin)
            begun = _BEGUN.match(self._held, begin)
            end = mark.end() if mark else begun.end() if begun else begin + 1
            if end - begin > MAX_HELD or len(around) == MAX_NESTED:
                return self._without_brackets([*around, begin])
            if mark:
                if not self._is_last and _LINK_BEGUN.match(self._held, end):
                    return None
                if not around:
                    return self._took(mark)
                begin = self._take_out(mark, at, around.pop())
                continue
            blanks = _BLANKS.match(self._held, end)
            end = blanks.end() if blanks else end
            if self._is_open(end):
                return None
            if self._held[end : end + 1] not in tuple(_OPENERS):
                self._keep(self._held[at : begin + 1])
                return begin + 1
            around.append(begin)
            begin = end

    def _took(self, mark: re.Match[str]) -> int:
        self._clean = self._clean.rstrip(BLANKS)
        self._hint(mark, self._place)
        following = self._held[mark.end() : mark.end() + 1]
        if len(mark.group().splitlines()) > 1:
            self._keep("\n")
        elif following and following in "`~" and (self._before + self._clean).endswith(following):
            self._keep(" ")
        return mark.end()

    def _take_out(self, mark: re.Match[str], at: int, around: int) -> int:
        """Take a mark out of another one that began at `around`; its place is read once more."""
        before = self._held[at : mark.start()].rstrip(BLANKS)
        self._hint(mark, self._place + len(before))
        self._held = self._held[:at] + before + self._held[mark.end() :]
        return around

    def _hint(self, mark: re.Match[str], place: int) -> None:
        """Note a mark; those inside it move to its place."""
        self._hints = [(min(position, place), number) for position, number in self._hints]
        self._hints += [(place, number) for number in numbers_of(mark)]
        self._takes_round = False

    def _without_brackets(self, brackets: list[int]) -> int:
        for bracket in reversed(brackets):
            self._held = self._held[:bracket] + self._held[bracket + 1 :]
        return brackets[0]
