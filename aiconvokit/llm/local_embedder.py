"""Embeddings without a server: a small multilingual model in a process of our own."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from aiconvokit.llm.embedder_process import ChildDied, EmbedderProcess
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.frames import EmbedRequest
from aiconvokit.llm.text import scrub, token_counts, windows
from aiconvokit.llm.vectors import pooled, unit_rows
from ingestion.embed import batches
from ingestion.types import Vectors

DIMENSIONS = 384
MAX_TOKENS = 512
"""Of one batch, so that a query waits for one small batch only; also what the model reads at once:
a longer text is embedded in windows, whose vectors are averaged by length."""
MAX_ITEMS = 32
"""Short texts cost more than their tokens say."""
_QUERY, _PASSAGE = 0, 1
_TRIES = 2


@dataclass(order=True, slots=True)
class _Job:
    """One batch that waits; the lowest sorts first."""

    priority: int
    number: int
    request: EmbedRequest = field(compare=False)
    answer: asyncio.Future[Vectors] = field(compare=False)


class LocalEmbedder:
    """multilingual-e5-small in 4 bits, in a child process that starts with the first text.

    Only one task talks to the child, so that a caller who gives up leaves no answer behind for the
    next one. A child that dies is replaced, and what it was asked is asked once more.
    """

    def __init__(self) -> None:
        self._jobs: asyncio.PriorityQueue[_Job] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._child: EmbedderProcess | None = None
        self._talk: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def provider(self) -> str:
        return "local"

    @property
    def model(self) -> str:
        return "multilingual-e5-small-q4"

    async def start(self) -> None:
        """Start the child now, so that the first question does not wait for it.

        Raises:
            ModelError: `embedder_unavailable`: the extra is missing or the CPU too old.
        """
        await self.embed_queries(["ready"])

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, _PASSAGE)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, _QUERY)

    async def close(self) -> None:
        """End the child; what still waits fails with `embedder_unavailable`."""
        self._is_closed = True
        if self._talk is not None:
            self._talk.cancel()
            await asyncio.wait({self._talk})
        self._fail_waiting()  # a talk that was cancelled before its first step did not

    async def _embed(self, texts: Sequence[str], priority: int) -> Vectors:
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        clean = [scrub(text) for text in texts]
        pieces: list[str] = []
        owners: list[int] = []
        sizes: list[int] = []
        for owner, (text, tokens) in enumerate(zip(clean, await token_counts(clean), strict=True)):
            cut = windows(text, ceil(tokens / MAX_TOKENS)) if tokens > MAX_TOKENS else [text]
            pieces += cut
            owners += [owner] * len(cut)
            sizes += [tokens // len(cut)] * len(cut)
        # Short with short: the child pads a batch to its longest text.
        order = sorted(range(len(pieces)), key=sizes.__getitem__)
        ordered = [sizes[index] for index in order]
        vectors = np.empty((len(pieces), DIMENSIONS), dtype=np.float32)
        # Batch after batch: a caller who gives up leaves at most one of them in the queue.
        for batch in batches(ordered, max_items=MAX_ITEMS, max_size=MAX_TOKENS):
            chosen = order[batch.start : batch.stop]
            answer = await self._enqueue([pieces[index] for index in chosen], priority)
            vectors[chosen] = unit_rows(answer, count=len(chosen))
        return pooled(vectors, owners, [len(piece) or 1 for piece in pieces])

    async def _enqueue(self, texts: list[str], priority: int) -> Vectors:
        if self._is_closed:
            raise _closed()
        if self._talk is None or self._talk.done():
            self._talk = asyncio.create_task(self._talk_to_child(), name="local embedder")
        request = EmbedRequest(texts, as_queries=priority == _QUERY)
        answer: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(priority, next(self._numbers), request, answer))
        return await answer

    async def _talk_to_child(self) -> None:
        try:
            while True:
                job = await self._jobs.get()
                try:
                    await self._answer(job)
                finally:
                    _fail(job)
        finally:
            self._fail_waiting()
            await self._stop_child()

    async def _answer(self, job: _Job) -> None:
        if job.answer.done():  # its caller gave up
            return
        try:
            vectors = await self._ask(job.request)
        except ModelError as error:
            if not job.answer.done():
                job.answer.set_exception(error)
        else:
            if not job.answer.done():
                job.answer.set_result(vectors)

    async def _ask(self, request: EmbedRequest) -> Vectors:
        for _ in range(_TRIES):
            try:
                if self._child is None:
                    self._child = await EmbedderProcess.start()
                return await self._child.ask(request)
            except ChildDied:
                await self._stop_child()
        raise ModelError(
            "The local embedder's process died twice over the same texts. Try again; if it "
            "happens again, look at the machine's memory.",
            code="embedder_unavailable",
        )

    def _fail_waiting(self) -> None:
        while not self._jobs.empty():
            _fail(self._jobs.get_nowait())

    async def _stop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()


def _fail(job: _Job) -> None:
    """Leave nobody waiting when the talk ends, whatever ended it."""
    if not job.answer.done():
        job.answer.set_exception(_closed())


def _closed() -> ModelError:
    return ModelError("The local embedder was closed.", code="embedder_unavailable")
