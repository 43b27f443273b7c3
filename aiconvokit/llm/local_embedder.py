"""Embeddings without a server: a small multilingual model in a process of our own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil

import numpy as np

from aiconvokit.llm.embedder_process import ChildDied, EmbedderProcess
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.frames import PASSAGE_LANES
from aiconvokit.llm.text import scrub, token_counts, windows
from aiconvokit.llm.vectors import pooled, unit_rows
from aiconvokit.telemetry import models as told
from ingestion.embed import batches
from ingestion.types import Vectors

LOCAL_PROVIDER, LOCAL_MODEL = "local", "multilingual-e5-small-q4"
DIMENSIONS = 384
MAX_TOKENS = 512
"""Of one request, so that both lanes have work; also what the model reads at once: a longer text is
embedded in windows, whose vectors are averaged by length."""
MAX_ITEMS = 32
"""Short texts cost more than their tokens say."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One request that waits, and where its caller waits for the vectors."""

    texts: list[str]
    as_queries: bool
    answer: asyncio.Future[Vectors]


class LocalEmbedder:
    """multilingual-e5-small in 4 bits, in a child process that starts with the first text.

    Passages have two lanes, queries have one of their own. Only the lanes talk to the child, one
    request each, so that a caller who gives up leaves at most that much behind. A child that dies
    is replaced, and what it was asked is asked once more.
    """

    def __init__(self) -> None:
        self._passages: asyncio.Queue[_Job] = asyncio.Queue()
        self._queries: asyncio.Queue[_Job] = asyncio.Queue()
        self._child: EmbedderProcess | None = None
        self._replacing = asyncio.Lock()
        self._lanes: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def provider(self) -> str:
        return LOCAL_PROVIDER

    @property
    def model(self) -> str:
        return LOCAL_MODEL

    async def start(self) -> None:
        """Start the child now, so that the first question does not wait for it.

        Raises:
            ModelError: `embedder_unavailable`: the extra is missing or the CPU too old.
        """
        await self.embed_queries(["ready"])

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, as_queries=False)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed(texts, as_queries=True)

    async def close(self) -> None:
        """End the child; what still waits fails with `embedder_unavailable`."""
        self._is_closed = True
        if self._lanes is not None:
            self._lanes.cancel()
            await asyncio.wait({self._lanes})
        self._fail_waiting()  # lanes that were cancelled before their first step did not

    async def _embed(self, texts: Sequence[str], *, as_queries: bool) -> Vectors:
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
        vectors = np.empty((len(pieces), DIMENSIONS), dtype=np.float32)
        left = list(batches(sizes, max_items=MAX_ITEMS, max_size=MAX_TOKENS))

        async def fill() -> None:
            while left:
                batch = left.pop()
                part = pieces[batch.start : batch.stop]
                answer = await self._enqueue(part, as_queries=as_queries)
                vectors[batch.start : batch.stop] = unit_rows(answer, count=len(part))

        try:
            async with asyncio.TaskGroup() as group:
                # No more than there are lanes: callers with long lists take turns with others.
                for _ in range(PASSAGE_LANES):
                    group.create_task(fill())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return pooled(vectors, owners, [len(piece) or 1 for piece in pieces])

    async def _enqueue(self, texts: list[str], *, as_queries: bool) -> Vectors:
        if self._is_closed:
            raise _closed()
        if self._lanes is None or self._lanes.done():
            self._lanes = asyncio.create_task(self._open_lanes(), name="local embedder")
        answer: asyncio.Future[Vectors] = asyncio.get_running_loop().create_future()
        jobs = self._queries if as_queries else self._passages
        jobs.put_nowait(_Job(texts, as_queries, answer))
        return await answer

    async def _open_lanes(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for jobs in [self._queries] + [self._passages] * PASSAGE_LANES:
                    group.create_task(self._drive(jobs))
        finally:
            self._fail_waiting()
            await self._stop_child()

    async def _drive(self, jobs: asyncio.Queue[_Job]) -> None:
        while True:
            job = await jobs.get()
            try:
                await self._answer(job)
            finally:
                _fail(job)

    async def _answer(self, job: _Job) -> None:
        if job.answer.done():  # its caller gave up
            return
        try:
            with told.embedding(LOCAL_MODEL, len(job.texts)):
                vectors = await self._ask(job)
        except ModelError as error:
            if not job.answer.done():
                job.answer.set_exception(error)
        else:
            if not job.answer.done():
                job.answer.set_result(vectors)

    async def _ask(self, job: _Job) -> Vectors:
        async with self._replacing:
            child = await self._running_child()
        with suppress(ChildDied):
            return await child.ask(job.texts, as_queries=job.as_queries)
        # Alone, the second time: what kills a child shall not take its neighbours along twice.
        async with self._replacing:
            if self._child is child:
                await self._stop_child()
            child = await self._running_child()
            with suppress(ChildDied):
                return await child.ask(job.texts, as_queries=job.as_queries)
            await self._stop_child()
        raise ModelError(
            "The local embedder's process died twice over the same texts. Try again; if it "
            "happens again, look at the machine's memory.",
            code="embedder_unavailable",
        )

    async def _running_child(self) -> EmbedderProcess:
        if self._child is None:
            self._child = await EmbedderProcess.start()
        return self._child

    async def _stop_child(self) -> None:
        if self._child is not None:
            await self._child.stop()
            self._child = None

    def _fail_waiting(self) -> None:
        for jobs in (self._queries, self._passages):
            while not jobs.empty():
                _fail(jobs.get_nowait())


def _fail(job: _Job) -> None:
    """Leave nobody waiting when the lanes end, whatever ended them."""
    if not job.answer.done():
        job.answer.set_exception(_closed())


def _closed() -> ModelError:
    return ModelError("The local embedder was closed.", code="embedder_unavailable")
