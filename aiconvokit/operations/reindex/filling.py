"""One collection into another space: its vectors are made, indexed, and turned to at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from aiconvokit.llm.errors import LONGEST_RETRY_AFTER_SECONDS, ModelError
from aiconvokit.services import Services
from ingestion import space_store, vector_index
from ingestion.documents import with_place
from ingestion.errors import EmbeddingFailed
from ingestion.index_upkeep import WORTH_FROM
from ingestion.language_store import hold_collection
from ingestion.tables import EmbeddingSpace
from ingestion.types import Vectors
from ingestion.vector_index import MOST_DIMENSIONS

T = TypeVar("T")
BATCH = 128
"""Passages between two commits: what a kill costs. Some 45,000 tokens, six requests of a server, or
six seconds of the local embedder."""
PAUSES = (2.0, 5.0, 15.0, 30.0)
"""Seconds before an embedder that is away is asked again; the last one from then on."""
PASSING = frozenset({"embedder_rate_limited", "embedder_unreachable", "embedder_timeout"})
"""What is waited for, however long: it is nothing that an operator must change here."""
CHASES = 5
"""Times that new documents are run after. Then the last passages are embedded while the collection
is held: what comes waits for some seconds."""
HELD_SECONDS = 30.0
"""For these; a transaction that rests is ended by the database after 60 s."""
BUILD_PAUSE_SECONDS = 1.0
"""Before another process is asked again whether its index is done."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a reindexing is; `doing` says what is going on, in words.

    `passages` are all that the selected collections have, `ready` those whose vectors are there:
    `embedded` and `reused` now, the others before.
    """

    passages: int = 0
    ready: int = 0
    embedded: int = 0
    reused: int = 0
    doing: str = ""
    on_change: Callable[["Progress"], None] = field(default=lambda _: None)

    def tell(self, doing: str) -> None:
        """Say what is going on."""
        self.doing = doing
        self.on_change(self)


class Filling:
    """Moves collections to a space, one after the other."""

    def __init__(
        self, services: Services, engine: AsyncEngine, space: EmbeddingSpace, progress: Progress
    ) -> None:
        self._services = services
        self._sessions = services.owner_sessions
        self._engine = engine
        self._space = space
        self._progress = progress

    async def move(self, collection_id: int, name: str) -> None:
        """Fill the space, then switch; what has a vector there is not embedded again.

        Raises:
            ModelError: the embedder will not do this, however long one waits.
            EmbeddingFailed: the model cannot be reached, or gives other vectors than before.
            TimeoutError: documents come so fast that they cannot be caught up with.
        """
        for tried in count():
            self._progress.tell(f"embedding {name}")
            passages = await self._fill(collection_id)
            if passages >= WORTH_FROM and self._space.dim <= MOST_DIMENSIONS:
                await self._index(collection_id, name)
                await self._fill(collection_id)
            # Documents that come meanwhile have their vectors in the old space only.
            switch = partial(self._switch, collection_id, holding=tried >= CHASES)
            if await patiently(switch, self._progress):
                return

    async def _switch(self, collection_id: int, *, holding: bool) -> bool:
        """Turn to the space, unless a passage has no vector there.

        Args:
            collection_id: which collection.
            holding: embed the last few passages while nobody can change the collection. An
                embedder that is away then is not waited for: the collection is let go before.
        """
        space_id = self._space.id
        async with self._sessions.begin() as session:
            if holding:
                await hold_collection(session, collection_id)
                last = await space_store.missing(session, collection_id, space_id, 0, BATCH)
                texts = {id_: with_place(*place) for id_, *place in last}
                if 0 < len(texts) < BATCH:
                    async with asyncio.timeout(HELD_SECONDS):
                        vectors = await self._embed(list(texts.values()))
                    await space_store.insert(session, collection_id, space_id, list(texts), vectors)
            index = vector_index.index_name(space_id, collection_id)
            return await space_store.switch(session, collection_id, space_id, index)

    async def _fill(self, collection_id: int) -> int:
        """Give every passage a vector in the space; how many it has then."""
        after = 0
        while True:
            async with self._sessions() as session:
                batch = await space_store.missing(
                    session, collection_id, self._space.id, after, BATCH
                )
            if not batch:
                break
            after = batch[-1][0]
            await self._fill_batch(collection_id, batch)
        async with self._sessions() as session:
            return await space_store.how_many(session, collection_id, self._space.id)

    async def _fill_batch(self, collection_id: int, batch: list[tuple[int, str, str]]) -> None:
        space_id = self._space.id
        async with self._sessions.begin() as session:
            ids = [row[0] for row in batch]
            known = await space_store.reuse(session, collection_id, space_id, ids)
        todo = {id_: with_place(*place) for id_, *place in batch if id_ not in known}
        if todo:
            texts = list(dict.fromkeys(todo.values()))
            found = await patiently(partial(self._embed, texts), self._progress)
            made = dict(zip(texts, found, strict=True))
            vectors = [made[one] for one in todo.values()]
            async with self._sessions.begin() as session:
                await space_store.insert(session, collection_id, space_id, list(todo), vectors)
        self._progress.reused += len(known)
        self._progress.embedded += len(todo)
        self._progress.ready += len(batch)
        self._progress.on_change(self._progress)

    async def _embed(self, texts: list[str]) -> Vectors:
        embedder = await self._services.embedders.of(self._space.provider, self._space.model)
        vectors = await embedder.embed_passages(texts)
        if vectors.shape != (len(texts), self._space.dim):
            raise EmbeddingFailed(
                f"{self._space.model} gives vectors of {vectors.shape[-1]} dimensions now, before "
                f"it were {self._space.dim}: its server has another model behind this name."
            )
        return vectors

    async def _index(self, collection_id: int, name: str) -> None:
        """Index the new vectors, so that no search has to compare them all after the switch."""
        self._progress.tell(f"indexing {name}")
        while not await vector_index.build(self._engine, self._space.id, collection_id):
            async with self._sessions() as session:
                if not await space_store.how_many(session, collection_id, self._space.id):
                    return
            self._progress.tell(f"{name} waits for an index that is being built")
            await asyncio.sleep(BUILD_PAUSE_SECONDS)


async def patiently(act: Callable[[], Awaitable[T]], progress: Progress) -> T:
    """Ask an embedder, again and again while it is away or has no more requests for us."""
    tried = 0
    while True:
        try:
            return await act()
        except ModelError as error:
            if error.code not in PASSING:
                raise
            asked = error.retry_after
            pause = PAUSES[min(tried, len(PAUSES) - 1)]
            seconds = (
                pause if asked is None else min(max(pause, asked), LONGEST_RETRY_AFTER_SECONDS)
            )
            tried += 1
            before = progress.doing
            progress.tell(f"waiting {seconds:.0f} s: {error.detail}")
            await asyncio.sleep(seconds)
            progress.tell(before)
