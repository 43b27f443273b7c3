"""One document from bytes to searchable passages; the stages meet here.

parse (child process) -> chunk (same child) -> known vectors | embed -> stage -> swap

Several requests of a document are under way at once, and Postgres stages what has come while the
others are answered. What is under way or not yet committed has REQUEST_TOKENS each and BATCH_TOKENS
in all: so much of a document in work is embedded twice when its worker is killed, and no more.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Self

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ingestion import stage_store, store
from ingestion.embed import Embedder, Embedders, batches
from ingestion.errors import EmbeddingFailed, IncompleteStage, IngestionError
from ingestion.language import detect, sample
from ingestion.names import names_of
from ingestion.parse.sandbox import Sandbox
from ingestion.parse.wire import Parsed
from ingestion.store import Read, Target
from ingestion.turns import Turns
from ingestion.types import Chunk, Vectors

BATCH_TOKENS = 8_000
"""Of one document between the embedder and the stage: what a kill costs at most."""
REQUEST_TOKENS = 2_000
REQUEST_ITEMS = 64
AT_ONCE = BATCH_TOKENS // REQUEST_TOKENS
CHARACTERS_A_TOKEN = 3
"""Of what stands before a passage, whose tokens are not counted; it has few."""
LOOKED_UP = 100
"""Passages asked for in one statement, and staged together."""

logger = logging.getLogger(__name__)
Sessions = async_sessionmaker[AsyncSession]


Timed = Callable[[str], AbstractContextManager[None]]
"""Is told how long the parts of reading a document take: "parse", "embed" and "store"."""


def _untimed(_part: str) -> AbstractContextManager[None]:
    return nullcontext()


class _NotWanted(Exception):
    """The version was replaced, deleted or cancelled, or another worker finished it."""


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Passages that came back from the embedder; not staged yet."""

    chunks: Sequence[Chunk]
    vectors: Vectors


class Pipeline:
    """Ingests documents with one sandbox and the embedders of their spaces."""

    def __init__(
        self,
        sessions: Sessions,
        sandbox: Sandbox,
        embedders: Embedders,
        timed: Timed = _untimed,
    ) -> None:
        self._timed = timed
        self._sessions = sessions
        self._sandbox = sandbox
        self._embedders = embedders
        self._turns: defaultdict[tuple[str, str], Turns] = defaultdict(Turns)

    async def ingest(self, target: Target, data: bytes) -> bool:
        """Make a version searchable, or tell its owner why it is not.

        Returns:
            whether it is searchable.

        Raises:
            IngestionError: only what another try may mend (a crashed parser, an embedder away);
                everything else is written on the document.
        """
        try:
            await self._ingest(target, data)
        except _NotWanted:
            await self.drop(target)
        except IngestionError as error:
            if error.retryable:
                raise
            logger.info("Document %s failed: %s", target.document_id, error.code)
            async with self._sessions.begin() as session:
                await store.fail(session, target, error.code, error.detail)
        else:
            return True
        return False

    async def drop(self, target: Target) -> None:
        """Leave nothing of a version that is not wanted any more."""
        logger.info("Document %s is not wanted any more", target.document_id)
        async with self._sessions.begin() as session:
            await store.clear_version(session, target)

    async def _ingest(self, target: Target, data: bytes) -> None:
        embedder = await self._embedder_for(target)
        with self._timed("parse"):
            parsed = await self._sandbox.parse(
                data, target.media_type, target.filename, target.cutting, password=target.password
            )
        pages = parsed.document.pages
        async with self._sessions.begin() as session:
            await store.note_pages(session, target, len(pages))
        language = detect(sample(page.text for page in pages))
        with self._timed("embed"):
            space_id = await self._embed(target, parsed.chunks, embedder)
        with self._timed("store"):
            await self._store(target, parsed, space_id, language)

    async def _store(
        self, target: Target, parsed: Parsed, space_id: int, language: str | None
    ) -> None:
        """Put the new version in the old one's place, all of it or nothing."""
        pages = parsed.document.pages
        async with self._sessions.begin() as session:
            await store.store_pages(session, target, pages)
            read = Read(len(pages), names_of(target.filename, parsed.document))
            count = await store.swap(session, target, space_id, language, read)
            if count is None:  # leave nothing behind
                raise _NotWanted
            if count != len(parsed.chunks):  # a worker thought dead came back and emptied it
                raise IncompleteStage("Another worker took part of the passages.")

    async def _embedder_for(self, target: Target) -> Embedder:
        """The one of the collection's space, if it has one yet."""
        if target.model is None:
            return self._embedders.configured
        return await self._embedders.of(*target.model)

    async def _embed(self, target: Target, chunks: Sequence[Chunk], embedder: Embedder) -> int:
        """Stage every passage that an earlier run did not; the id of the space."""
        waiting, space_id = await self._waiting(target, chunks, embedder)
        if space_id is not None and waiting:
            waiting = await self._take_known(target, space_id, waiting)
        requests = [_Request(target.owner_id, part) for part in _cut(waiting)]
        turns = self._turns[embedder.provider, embedder.model]
        async with _Flow(embedder, turns, requests) as flow:
            async for arrived in flow:
                space_id = await self._stage(target, embedder, arrived)
        if space_id is None:
            raise EmbeddingFailed(
                "The document holds no text that can be searched.", code="no_text"
            )
        return space_id

    async def _stage(self, target: Target, embedder: Embedder, arrived: Sequence[_Embedded]) -> int:
        vectors = np.concatenate([one.vectors for one in arrived])
        async with self._sessions.begin() as session:
            space_id = await store.space_for(
                session, target, embedder.provider, embedder.model, vectors.shape[1]
            )
            if not await store.is_wanted(session, target):
                raise _NotWanted
            chunks = [chunk for one in arrived for chunk in one.chunks]
            await stage_store.stage(session, target, space_id, chunks, vectors)
        return space_id

    async def _waiting(
        self, target: Target, chunks: Sequence[Chunk], embedder: Embedder
    ) -> tuple[list[Chunk], int | None]:
        async with self._sessions.begin() as session:
            space_id = await store.known_space(session, target, embedder.provider, embedder.model)
            if space_id is None:
                await store.clear_stage(session, target)
                return list(chunks), None
            staged = await stage_store.staged(session, target, space_id)
            if not _agree(chunks, staged):
                await store.clear_stage(session, target)  # another parser made those
                staged = {}
            return [chunk for chunk in chunks if chunk.ordinal not in staged], space_id

    async def _take_known(
        self, target: Target, space_id: int, waiting: Sequence[Chunk]
    ) -> list[Chunk]:
        """Stage what was embedded before, for this owner; what is left."""
        async with self._sessions.begin() as session:
            collections = await stage_store.relatives(session, target)
        left = list(waiting)
        for collection_id in collections:
            unknown: list[Chunk] = []
            for start in range(0, len(left), LOOKED_UP):
                part = left[start : start + LOOKED_UP]
                unknown += await self._take_from(collection_id, target, space_id, part)
            left = unknown
        return left

    async def _take_from(
        self, collection_id: int, target: Target, space_id: int, part: Sequence[Chunk]
    ) -> list[Chunk]:
        digests = {chunk.ordinal: stage_store.digest_of(chunk) for chunk in part}
        asked = list(digests.values())
        async with self._sessions.begin() as session:
            known = await stage_store.known_vectors(session, collection_id, space_id, asked)
            if known and not await store.is_wanted(session, target):
                raise _NotWanted
            taken = [chunk for chunk in part if digests[chunk.ordinal] in known]
            if taken:
                vectors = [known[digests[chunk.ordinal]] for chunk in taken]
                await stage_store.stage_packed(session, target, space_id, taken, vectors)
        return [chunk for chunk in part if digests[chunk.ordinal] not in known]


def _agree(chunks: Sequence[Chunk], staged: Mapping[int, stage_store.Place]) -> bool:
    """Whether all that is staged are passages that were made again just now."""
    made = {chunk.ordinal: chunk for chunk in chunks if chunk.ordinal in staged}
    return len(made) == len(staged) and all(
        stage_store.place_of(made[ordinal]) == place for ordinal, place in staged.items()
    )


@dataclass(frozen=True, slots=True)
class _Request:
    owner_id: int
    chunks: Sequence[Chunk]


def _size(chunk: Chunk) -> int:
    """About how many tokens are embedded."""
    return chunk.tokens + len(chunk.context) // CHARACTERS_A_TOKEN + 1


def _cut(chunks: Sequence[Chunk]) -> Iterator[Sequence[Chunk]]:
    sizes = [_size(chunk) for chunk in chunks]
    for batch in batches(sizes, max_items=REQUEST_ITEMS, max_size=REQUEST_TOKENS):
        yield chunks[batch.start : batch.stop]


class _Flow:
    """A document's requests, AT_ONCE of them between the embedder and the stage.

    Iterating gives what has arrived, at least one; it counts as under way until the next is asked
    for, because it may be lost until then. Leaving cancels what is under way.
    """

    def __init__(self, embedder: Embedder, turns: Turns, requests: Sequence[_Request]) -> None:
        self._embedder = embedder
        self._turns = turns
        self._left = iter(requests)
        self._under_way: set[asyncio.Task[_Embedded]] = set()
        self._sent: set[asyncio.Task[_Embedded] | None] = set()
        self._failure: BaseException | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[_Embedded]:
        while self._failure is None and len(self._under_way) < AT_ONCE:
            request = next(self._left, None)
            if request is None:
                break
            self._under_way.add(asyncio.create_task(self._send(request)))
        while self._under_way:
            done, self._under_way = await asyncio.wait(
                self._under_way, return_when=asyncio.FIRST_COMPLETED
            )
            self._sent -= done  # with their vectors
            for task in done:
                self._failure = self._failure or task.exception()
            if self._failure is not None:
                await self._call_off()
            arrived = [task.result() for task in done if task.exception() is None]
            if arrived:
                return arrived
        raise self._failure or StopAsyncIteration

    async def _call_off(self) -> None:
        """After a failure no further request is sent; those that were are paid for, and awaited."""
        waiting = self._under_way - self._sent
        self._under_way -= waiting
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    async def _send(self, request: _Request) -> _Embedded:
        part = request.chunks
        async with self._turns.taken(request.owner_id, sum(map(_size, part))):
            self._sent.add(asyncio.current_task())
            vectors = await self._embedder.embed_passages([chunk.embedded_text for chunk in part])
        if vectors.shape[0] != len(part) or not np.isfinite(vectors).all():
            raise EmbeddingFailed("The embedder returned vectors that cannot be used.")
        return _Embedded(part, vectors)
