"""Which collections have an index of their vectors, and when it is built, renewed and dropped.

One round looks at all collections and does what is to be done, one after the other and in one
process of all that share the database. Searches never wait for it, and what a kill leaves half done
the next round finds.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ingestion import vector_index
from ingestion.vector_index import MOST_DIMENSIONS, VectorIndex

WORTH_FROM = 10_000
"""Passages from which on a collection is indexed: there comparing all vectors takes a third of a
search's CPU, and the index a sixth of that. It costs 1.2 kB a vector and makes adding vectors some
ten times slower, which smaller ones do not pay back."""
KEPT_FROM = 5_000
"""Passages down to which an index is kept; searches ask it down to there."""
DEAD_SHARE = 0.07
"""Of the indexed vectors that went since: beyond, vacuuming the index takes longer than making it
anew, and it finds less (docs/decisions/0005)."""
PATIENCE_SECONDS = 1_800.0
"""As long as a collection's documents are being read its index is not made: adding to it is ten
times slower. Then it is made all the same, since searches of it get slower and slower."""

logger = logging.getLogger(__name__)

_KEPT = """
    SELECT c.id, c.space_id, c.indexed_space_id, c.chunk_count, c.removed_since_indexed, s.dim,
           EXISTS (SELECT FROM document d WHERE d.collection_id = c.id
                   AND d.status IN ('queued', 'processing')) AS is_reading
    FROM collection c JOIN embedding_space s ON s.id = c.space_id
"""
_COLLECTIONS = text(
    _KEPT + "WHERE c.chunk_count >= :worth OR c.indexed_space_id IS NOT NULL ORDER BY c.id"
)
_COLLECTION = text(_KEPT + "WHERE c.id = :id")
# Vectors of another space are there on the way to it, or to go back to it. An index in the present
# space that searches do not ask is of use only where it will be theirs.
_WANTED = text(
    """
    SELECT id, space_id FROM (
        SELECT id, unnest(ARRAY[
            CASE WHEN chunk_count >= :worth OR indexed_space_id = space_id THEN space_id END,
            next_space_id, previous_space_id]) AS space_id
        FROM collection WHERE id = ANY(:ids)
    ) AS spaces WHERE space_id IS NOT NULL
    """
)

Step = Literal["promote", "rebuild", "demote"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A collection that is large, or has an index.

    `removed` are vectors that went since its index was made. `is_reading`: documents of it are on
    their way in.
    """

    id: int
    space_id: int
    indexed_space_id: int | None
    chunk_count: int
    removed: int
    dim: int
    is_reading: bool

    @property
    def is_indexed(self) -> bool:
        """Whether searches ask an index."""
        return self.indexed_space_id == self.space_id

    @property
    def dead_share(self) -> float:
        """0..1 of the vectors in its index."""
        return self.removed / max(1, self.removed + self.chunk_count)


def step(kept: Kept, waited_seconds: float) -> Step | None:
    """What is to be done about a collection, that waits for it so long already."""
    if kept.is_indexed and kept.chunk_count < KEPT_FROM:
        return "demote"
    if kept.is_reading and waited_seconds < PATIENCE_SECONDS:
        return None
    if kept.is_indexed:
        return "rebuild" if kept.dead_share > DEAD_SHARE else None
    is_worth_it = kept.chunk_count >= WORTH_FROM and kept.dim <= MOST_DIMENSIONS
    return "promote" if is_worth_it else None


class Upkeep:
    """Rounds on one database; it remembers which collections wait until their reading is over."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._waiting: dict[int, float] = {}

    async def round(self) -> Sequence[tuple[Step, int]]:
        """Do what is to be done now; (step, collection id) of what was."""
        indexes = await vector_index.indexes(self._engine)
        await self._drop_rests(indexes)
        valid = {(one.space_id, one.collection_id) for one in indexes if one.is_valid}
        done: list[tuple[Step, int]] = []
        for found in await self._collections():
            if found.is_indexed and (found.space_id, found.id) not in valid:
                await vector_index.forget(self._engine, found.space_id, found.id)
                continue  # it is as good as any other in the next round
            if step(found, self._waited(found)) and (what := await self._do(found.id)):
                done.append((what, found.id))
        return done

    async def _collections(self) -> list[Kept]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_COLLECTIONS, {"worth": WORTH_FROM})).all()
        found = [Kept(*row) for row in rows]
        reading = {one.id for one in found if one.is_reading}
        now = time.monotonic()
        self._waiting = {one: self._waiting.get(one, now) for one in reading}
        return found

    async def _now(self, collection_id: int) -> Kept | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(_COLLECTION, {"id": collection_id})).one_or_none()
        return Kept(*row) if row else None

    def _waited(self, kept: Kept) -> float:
        now = time.monotonic()
        return now - self._waiting.get(kept.id, now)

    async def _do(self, collection_id: int) -> Step | None:
        """What was done about a collection: nothing when another process builds, or has built."""
        kept = await self._now(collection_id)  # the builds before it may have taken minutes
        if kept is None or (what := step(kept, self._waited(kept))) is None:
            return None
        act = {
            "promote": vector_index.promote,
            "rebuild": vector_index.rebuild,
            "demote": vector_index.demote,
        }[what]
        began = time.monotonic()
        if not await act(self._engine, kept.space_id, kept.id):
            return None
        seconds = time.monotonic() - began
        logger.info(
            "Index of collection %s, %s passages: %s, %.1f s",
            *(kept.id, kept.chunk_count, what, seconds),
        )
        return what

    async def _drop_rests(self, indexes: Sequence[VectorIndex]) -> None:
        """What stopped builds left, and indexes of collections that are gone or left the space."""
        wanted = await self._wanted(indexes)
        for one in indexes:
            is_lost = one.is_rest or one.space_id not in wanted.get(one.collection_id, ())
            if is_lost and await vector_index.drop(self._engine, one):
                logger.info("Index %s is dropped: nobody uses it", one.name)

    async def _wanted(self, indexes: Sequence[VectorIndex]) -> Mapping[int, set[int]]:
        """Spaces by collection id."""
        keys = {"ids": [one.collection_id for one in indexes], "worth": WORTH_FROM}
        found: dict[int, set[int]] = {}
        async with self._engine.connect() as connection:
            for collection_id, space_id in await connection.execute(_WANTED, keys):
                found.setdefault(collection_id, set()).add(space_id)
        return found
