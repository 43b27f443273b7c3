"""A database of many collections, filled through the statements of the worker."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import text

from aiconvokit.accounts import queries as account_queries
from aiconvokit.db import create_engine
from aiconvokit.services import Services
from benchmarks.corpus import DOCUMENT, Corpus, add_document
from ingestion.index_upkeep import Upkeep
from ingestion.tables import Collection

SLOPE = 0.8
"""Sizes of collections fall with their rank to this power: few large ones, many small ones."""
LEAST = 20
"""Passages of the smallest."""
AT_ONCE = 2
"""Collections that are filled side by side: one makes texts while Postgres has the other's."""
PARTS = 10
"""Of the filling whose speed is told."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """So many passages in so many collections, the largest with a share of its own."""

    passages: int
    collections: int
    largest: int

    def sizes(self) -> list[int]:
        """Passages of each collection, the largest first."""
        ranks = np.arange(1, self.collections) ** -SLOPE
        left = self.passages - self.largest
        others = np.maximum(LEAST, left * ranks / ranks.sum()).astype(int)
        return [self.largest, *others.tolist()]


@dataclass(slots=True)
class Speed:
    """Passages a second of each part of the filling, and when the whole began."""

    parts: list[tuple[int, float]] = field(default_factory=list)
    stored: int = 0
    began: float = field(default_factory=time.monotonic)
    _part_began: float = field(default_factory=time.monotonic)
    _part_stored: int = 0

    def add(self, passages: int, part: int) -> bool:
        """Count; whether a part of that size is over."""
        self.stored += passages
        done = self.stored - self._part_stored
        if done < part:
            return False
        now = time.monotonic()
        self.parts.append((self.stored, done / (now - self._part_began)))
        self._part_began, self._part_stored = now, self.stored
        return True


async def fill(services: Services, shape: Shape, tell: Tell) -> tuple[list[Collection], Speed]:
    """Fill an empty database; its collections as they are then, the largest first."""
    corpus = Corpus.of(shape.passages)
    sizes = shape.sizes()
    async with services.owner_sessions.begin() as session:
        user = await account_queries.insert_user(session, "scale", "", "none")
        if user is None:
            raise RuntimeError
        made = [
            Collection(public_id=f"vs_{number}", owner_id=user.id, name=f"c{number}")
            for number in range(len(sizes))
        ]
        session.add_all(made)
    speed = Speed()
    work = enumerate(zip(made, sizes, strict=True))

    async def fill_some() -> None:
        for number, (collection, size) in work:
            own = dataclasses.replace(corpus, random=np.random.default_rng([1, number]))
            for start, part in _documents(size):
                await add_document(services, own, collection, start, part)
                if speed.add(part, sum(sizes) // PARTS):
                    stored, rate = speed.parts[-1]
                    tell(f"{stored:,} passages stored, {rate:,.0f}/s")

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(fill_some())
    return await _as_they_are(services, made), speed


def _documents(size: int) -> Iterator[tuple[int, int]]:
    """(first passage, passages) of each document of a collection."""
    for start in range(0, size, DOCUMENT):
        yield start, min(DOCUMENT, size - start)


async def _as_they_are(services: Services, made: Sequence[Collection]) -> list[Collection]:
    async with services.owner_sessions() as session:
        return [await session.get_one(Collection, one.id) for one in made]


async def index(
    services: Services, made: Sequence[Collection], tell: Tell
) -> tuple[list[Collection], float]:
    """One round of the worker's upkeep; the collections then, and the seconds it took."""
    engine = create_engine(services.database_url, pool_size=2)
    began = time.monotonic()
    try:
        done = await Upkeep(engine).round()
    finally:
        await engine.dispose()
    seconds = time.monotonic() - began
    tell(f"{len(done)} collections indexed in {seconds:.0f} s")
    return await _as_they_are(services, made), seconds


async def tidy(services: Services) -> None:
    """What autovacuum would come to do in the middle of a run."""
    async with services.owner_sessions() as session:
        connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM (ANALYZE)"))
        await connection.execute(text("RESET statement_timeout"))
