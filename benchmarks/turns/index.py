"""A run with an index on the vectors of its collection, and without it again after that."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvloop
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from aiconvokit.db import create_engine
from ingestion.vector_index import demote, promote

_LARGEST = text(
    "SELECT space_id, id FROM collection WHERE space_id IS NOT NULL"
    " ORDER BY chunk_count DESC, id LIMIT 1"
)


@contextmanager
def indexed(database_url: str) -> Iterator[None]:
    """The largest collection of a database has an index until the end of the block."""
    uvloop.run(_promote(database_url))
    try:
        yield
    finally:
        uvloop.run(_demote(database_url))


async def _promote(database_url: str) -> None:
    async with _owner(database_url) as engine:
        if not await promote(engine, *await _largest(engine)):
            raise RuntimeError("The index was not built.")


async def _demote(database_url: str) -> None:
    async with _owner(database_url) as engine:
        await demote(engine, *await _largest(engine))


@asynccontextmanager
async def _owner(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, pool_size=2)
    try:
        yield engine
    finally:
        await engine.dispose()


async def _largest(engine: AsyncEngine) -> tuple[int, int]:
    """The ids of its space and of itself."""
    async with engine.connect() as connection:
        space_id, collection_id = (await connection.execute(_LARGEST)).one()
        return int(space_id), int(collection_id)
