"""Where the blocks of a parsed Markdown text stand in its source, and which claims they hold.

The parser tells the lines of a block, not its characters. Its words are looked up from the ends of
those lines: in front of them stand the marks of quotes and lists, behind them nothing.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markdown_it.token import Token

_CONTAINERS = re.compile(r"\s*+(?:(?:>|[-*+]\s|\d{1,9}[.)]\s)\s*+)*+")
"""What may stand in front of a table's row: quotes and list items that hold the table."""
_CODE = {"code_block": 0, "fence": 1}
"""Blocks of code, and in which of their lines the words begin."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A part of a text that nothing supports: characters `start` to `end` (not included)."""

    start: int
    end: int
    reason: str


class _Piece(NamedTuple):
    """Characters of a block's content that follow one another in the source, too."""

    content: int
    source: int
    length: int


def apart(claims: Sequence[Unsupported], length: int) -> list[Unsupported]:
    """The claims in their order, within a text of that length, no two about the same character."""
    found: list[Unsupported] = []
    end = 0
    for one in sorted(claims, key=lambda claim: (claim.start, claim.end)):
        start, stop = max(one.start, end, 0), min(one.end, length)
        if start < stop:
            found.append(Unsupported(start, stop, one.reason))
            end = stop
    return found


class Places:
    """The claims of a text, looked up by block."""

    def __init__(self, text: str, claims: Sequence[Unsupported]) -> None:
        self._lines = text.split("\n")
        self._claims = claims
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def of(self, tokens: Sequence[Token]) -> Iterator[tuple[Token, list[Unsupported]]]:
        """Each token with words (or code), with the parts of its content that nothing supports."""
        row = 0  # how far a table's row was read, in its source line
        for before, token in zip([None, *tokens], tokens, strict=False):
            if token.type == "tr_open" and token.map:
                prefix = _CONTAINERS.match(self._line(token.map[0]))
                row = prefix.end() if prefix else 0
            has_words = token.content and (token.type == "inline" or token.type in _CODE)
            if token.map is None or not has_words:  # most cells of the largest tables
                continue
            kind = before.type if before else ""
            if kind in {"th_open", "td_open"}:
                row, pieces = self._cell(token, row)
            elif kind == "heading_open" and before and before.markup.startswith("#"):
                pieces = self._heading(token)
            else:
                pieces = self._in_lines(token)
            yield token, self._within(token.content, pieces)

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""

    def _in_lines(self, token: Token) -> list[_Piece]:
        """Each line of the content stands at the end of its line of the source."""
        pieces, at = [], 0
        first = (token.map or [0])[0] + _CODE.get(token.type, 0)
        for number, words in enumerate(token.content.split("\n"), first):
            line = self._line(number).rstrip()
            body = words.rstrip()
            begin = len(line) - len(body)
            if body and begin >= 0:
                pieces.append(_Piece(at, self._starts[number] + begin, len(body)))
            at += len(words) + 1
        return pieces

    def _heading(self, token: Token) -> list[_Piece]:
        """Behind a heading's words stand at most signs that close it."""
        number = (token.map or [0])[0]
        begin = self._line(number).rfind(token.content)
        return [_Piece(0, self._starts[number] + max(begin, 0), len(token.content))]

    def _cell(self, token: Token, row: int) -> tuple[int, list[_Piece]]:
        """The next cell of a row; a bar in it has a backslash in the source."""
        number = (token.map or [0])[0]
        line, start = self._line(number), self._starts[number]
        at = len(line) - len(line[row:].lstrip(" \t|"))
        pieces, content = [], 0
        for index, part in enumerate(re.split(r"(?=\|)", token.content)):
            at += index > 0 and line.startswith("\\|", at)
            if not line.startswith(part, at):
                break
            pieces.append(_Piece(content, start + at, len(part)))
            content, at = content + len(part), at + len(part)
        return at, pieces

    def _within(self, content: str, pieces: Sequence[_Piece]) -> list[Unsupported]:
        """The claims' parts in a block's content, without white space at either end."""
        found: list[Unsupported] = []
        last: Unsupported | None = None
        for piece, claim in self._overlaps(pieces):
            shift = piece.content - piece.source
            begin = max(claim.start, piece.source) + shift
            end = min(claim.end, piece.source + piece.length) + shift
            if not content[begin:end].strip():
                continue
            if claim is last and not content[found[-1].end : begin].strip():
                begin = found.pop().start  # it goes on: only white space is between
            words = content[begin:end]
            end -= len(words) - len(words.rstrip())
            begin += len(words) - len(words.lstrip())
            found.append(Unsupported(begin, end, claim.reason))
            last = claim
        return found

    def _overlaps(self, pieces: Sequence[_Piece]) -> Iterator[tuple[_Piece, Unsupported]]:
        for piece in pieces:
            end = piece.source + piece.length
            first = bisect.bisect_right(self._claims, piece.source, key=lambda one: one.end)
            while first < len(self._claims) and self._claims[first].start < end:
                yield piece, self._claims[first]
                first += 1
