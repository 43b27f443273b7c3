"""An answer that is proven while the model writes it: text flows, marks stand behind each claim."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat.attribution import (
    Hints,
    Judge,
    Output,
    Verdict,
    decided,
    undecided_texts,
)
from aiconvokit.chat.claims import Splitter, Stated
from aiconvokit.chat.proof import Attributed, Citation, Source
from aiconvokit.chat.shelves import LANGUAGE_SAMPLE
from aiconvokit.chat.similarity import SUPPORT_FROM
from aiconvokit.chat.unmarking import Unmarker
from aiconvokit.errors import UpstreamFailed

Compare = Callable[[Sequence[str], Sequence[str]], Awaitable[NDArray[np.float32]]]
"""Cosines of claims, embedded as queries (rows), and quotes, as passages (columns)."""


@dataclass(frozen=True, slots=True)
class Released:
    """What is certain: text, "" for none, and the quotes that it is the first to cite."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class _Closed:
    claim: Stated
    hints: frozenset[int]


class Unfolding:
    """Takes an answer as it comes and gives it out with proven marks in place of the model's.

    All that it gives out is what `attribute` makes of the whole answer, wherever it is cut; see
    `Unmarker` for the exceptions. Held back is only what more text may change: the end of a claim
    with its marks, what may be a mark of the model, a table's row, a line with an open backtick.
    """

    def __init__(
        self, sources: Sequence[Source], question: str, *, model: str, compare: Compare
    ) -> None:
        """Take the passages of the prompt, the question, and how to compare across languages.

        Args:
            sources: the passages; the model's marks point at `Source.index`.
            question: what was asked.
            model: the embedding model of `compare`.
            compare: asked only about claims in another language than the documents.
        """
        self._sources = sources
        self._question = question
        self._model = model
        self._compare = compare
        self._judge: Judge | None = None
        self._unmarker = Unmarker(len(sources))
        self._splitter = Splitter()
        self._hints = Hints()
        self._output = Output()
        self._beginning = ""
        self._text = ""  # not given out
        self._given = 0  # characters in front of it
        self._lone: _Closed | None = None  # too short, and the answer's only claim so far
        self._is_first = True

    async def feed(self, piece: str) -> Released:
        """Another piece of the model's text; what is certain with it."""
        return await self._grow(piece, is_last=False)

    async def finish(self) -> Released:
        """The model has said all; the rest."""
        return await self._grow("", is_last=True)

    def so_far(self) -> Attributed:
        """What was given out until now: its `output` is all those texts together."""
        return self._output.so_far()

    async def _grow(self, piece: str, *, is_last: bool) -> Released:
        text, hints = self._unmarker.feed(piece, is_last=is_last)
        self._hints.add(hints)
        self._text += text
        if len(self._beginning) < LANGUAGE_SAMPLE:
            self._beginning += text
        found = self._splitter.feed(text, is_last=is_last)
        closed = [_Closed(one, self._hints.of(one)) for one in found]
        if self._lone:
            if not (closed or is_last or self._splitter.has_begun):
                return Released("", ())
            closed.insert(0, self._lone)
            self._lone = None
        is_only = self._is_first and is_last and len(closed) == 1
        verdicts = await self._verdicts(closed, is_only=is_only) if closed else []
        if self._may_be_only(verdicts) and not is_last:
            self._lone = closed[0]
            return self._release([], [], self._lone.claim.span.end)
        return self._release(closed, verdicts, self._splitter.sure)

    def _may_be_only(self, verdicts: Sequence[Verdict]) -> bool:
        """Whether this is a claim that the question must complete if no other one follows."""
        return self._is_first and verdicts == ["too_short"] and not self._splitter.has_begun

    async def _verdicts(self, closed: Sequence[_Closed], *, is_only: bool) -> list[Verdict]:
        verdicts = (
            self._judged(closed, is_only=is_only)
            if self._is_cheap(closed)
            else await asyncio.to_thread(self._judged, closed, is_only=is_only)
        )
        claims, quotes = undecided_texts(verdicts)
        if not claims or self._model not in SUPPORT_FROM:
            return verdicts
        try:
            cosines = await self._compare(claims, quotes)
        except UpstreamFailed:  # an answer that is there is not thrown away
            return verdicts
        return decided(verdicts, cosines, self._model)

    def _is_cheap(self, closed: Sequence[_Closed]) -> bool:
        """Whether a thread would cost about as much as the work; the first claim reads pages."""
        judge = self._judge
        return judge is not None and len(closed) == 1 and judge.is_cheap(closed[0].claim)

    def _judged(self, closed: Sequence[_Closed], *, is_only: bool) -> list[Verdict]:
        if self._judge is None:
            self._judge = Judge(self._sources, self._question)
        return [
            self._judge.verdict(
                one.claim, one.hints, self._beginning[: one.claim.span.end], is_only=is_only
            )
            for one in closed
        ]

    def _release(
        self, closed: Sequence[_Closed], verdicts: Sequence[Verdict], sure: int
    ) -> Released:
        """Give out these claims, and the text up to a place."""
        output = self._output
        known, said = len(output.citations), len(output.pieces)
        for one, verdict in zip(closed, verdicts, strict=True):
            self._say(one.claim.span.end)
            output.close(len(one.claim.body), verdict, self._text[:1])
            self._is_first = False
        self._say(sure)
        citations = tuple(output.citations.values())[known:]
        return Released("".join(output.pieces[said:]), citations)

    def _say(self, end: int) -> None:
        """Give out the text up to a place."""
        length = end - self._given
        if length > 0:
            self._output.say(self._text[:length])
            self._text = self._text[length:]
            self._given = end
