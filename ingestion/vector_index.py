"""Indexes of vectors: one HNSW for one large collection, built beside running searches.

A partial index on the collection's leaf: smaller tenants of the leaf neither pay for it when they
grow nor get into its way. Few collections are large; 500 such indexes on one table would cost
1.2 ms of planning.

Which collections should have one, and when, is in `ingestion.index_upkeep`.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# One build at a time: two would wait for each other's snapshots. Who must wait for it asks again
# and again, since a statement that waits has a snapshot, too.
_LOCK = text("SELECT pg_try_advisory_lock(hashtext('aiconvokit.vector_index'), 0)")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtext('aiconvokit.vector_index'), 0)")
_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_LEAF = "SELECT CAST(tableoid AS regclass)::text FROM {} WHERE collection_id = :collection LIMIT 1"
_LEAF_OF = text(
    "SELECT CAST(indrelid AS regclass)::text FROM pg_index WHERE indexrelid = to_regclass(:name)"
)
_REMOVED = text("SELECT removed_since_indexed FROM collection WHERE id = :collection")
_NOTE = text(
    """
    UPDATE collection SET indexed_space_id = :space,
        removed_since_indexed = greatest(removed_since_indexed - :removed, 0)
    WHERE id = :collection AND space_id = :space
    """
)
_FORGET = text(
    "UPDATE collection SET indexed_space_id = NULL WHERE id = :collection"
    " AND indexed_space_id = :space"
)
_SIZE = "SELECT count(*) FROM {} WHERE collection_id = :collection"
_DIM = text("SELECT dim FROM embedding_space WHERE id = :space")
_ALL = text(
    """
    SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname LIKE 'ix\\_vec\\_%' AND pg_table_is_visible(pg_class.oid) ORDER BY 1
    """
)
_NAME = re.compile(r"ix_vec_(?P<space>\d+)_hnsw_(?P<collection>\d+)(?P<rest>_cc(new|old)\d*)?")

GRAPH_BYTES = 700
"""Of a vector in memory while the graph is built, beside the vector; measured at 384 dimensions."""
LEAST_MEMORY_MB, MOST_MEMORY_MB = 64, 2_048
"""A graph that does not fit is built on, several times slower."""
MOST_DIMENSIONS = 4_000
"""Of halfvec in an HNSW index of pgvector; longer vectors are always compared."""

# One core, and memory of its own: a container's /dev/shm has no room for the graph of several.
_SETTINGS = (
    "SET statement_timeout = 0",
    "SET max_parallel_maintenance_workers = 0",
)
_RESETS = (
    "RESET statement_timeout",
    "RESET max_parallel_maintenance_workers",
    "RESET maintenance_work_mem",
)


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index that is there; `is_rest`: what a rebuilding that was stopped left behind."""

    name: str
    space_id: int
    collection_id: int
    is_valid: bool
    is_rest: bool


def index_name(space_id: int, collection_id: int) -> str:
    """Of a collection's index in a space."""
    return f"ix_vec_{space_id:d}_hnsw_{collection_id:d}"


async def indexes(engine: AsyncEngine) -> list[VectorIndex]:
    """All that are there, usable or not."""
    async with engine.connect() as connection:
        rows = (await connection.execute(_ALL)).all()
    parsed = ((_NAME.fullmatch(name), name, is_valid) for name, is_valid in rows)
    return [
        VectorIndex(
            name, int(found["space"]), int(found["collection"]), is_valid, bool(found["rest"])
        )
        for found, name, is_valid in parsed
        if found
    ]


async def promote(engine: AsyncEngine, space_id: int, collection_id: int) -> bool:
    """Index a collection's vectors, if they are not yet, and let searches know.

    An index that a stopped build left invalid is built again.

    Args:
        engine: of the owner role.
        space_id: the space, which must exist.
        collection_id: the collection.

    Returns:
        whether it is indexed now: not when it has no vectors, or another process is building.
    """
    async with _alone(engine) as connection:
        if connection is None:
            return False
        keys = {"collection": collection_id}
        removed = await connection.scalar(_REMOVED, keys) or 0
        was_there = await connection.scalar(
            _IS_VALID, {"name": index_name(space_id, collection_id)}
        )
        if not await _build(connection, space_id, collection_id):
            return False
        gone = 0 if was_there else removed
        await connection.execute(_NOTE, {**keys, "space": space_id, "removed": gone})
    return True


async def build(engine: AsyncEngine, space_id: int, collection_id: int) -> bool:
    """As `promote`, for a space that is not searched yet: nobody is told."""
    async with _alone(engine) as connection:
        return connection is not None and await _build(connection, space_id, collection_id)


async def rebuild(engine: AsyncEngine, space_id: int, collection_id: int) -> bool:
    """Make a collection's index anew, without its dead; searches use the old one until it is there.

    Then its leaf is vacuumed. Done before, that would repair the graph around each of the dead:
    with 10 % of 60,000 vectors dead it takes longer than the building (docs/decisions/0005).

    Returns:
        whether it was done: not when another process is building.
    """
    name, keys = index_name(space_id, collection_id), {"collection": collection_id}
    async with _alone(engine) as connection:
        leaf = connection and await connection.scalar(_LEAF_OF, {"name": name})
        if connection is None or leaf is None:
            return False
        removed = await connection.scalar(_REMOVED, keys) or 0
        await _take_memory(connection, space_id, collection_id)
        await connection.execute(text(f"REINDEX INDEX CONCURRENTLY {name}"))
        await connection.execute(_NOTE, {**keys, "space": space_id, "removed": removed})
        await connection.execute(text(f"VACUUM {leaf}"))
    return True


async def demote(engine: AsyncEngine, space_id: int, collection_id: int) -> bool:
    """Let searches scan a collection again, then drop its index; False: another one is building."""
    async with _alone(engine) as connection:
        if connection is None:
            return False
        await connection.execute(_FORGET, {"space": space_id, "collection": collection_id})
        name = index_name(space_id, collection_id)
        await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
    return True


async def drop(engine: AsyncEngine, index: VectorIndex) -> bool:
    """Drop an index that no search knows of; False: another one is building."""
    async with _alone(engine) as connection:
        if connection is None:
            return False
        await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}"))
    return True


async def forget(engine: AsyncEngine, space_id: int, collection_id: int) -> None:
    """Let searches scan a collection whose index is not there."""
    async with engine.begin() as connection:
        await connection.execute(_FORGET, {"space": space_id, "collection": collection_id})


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[AsyncConnection | None]:
    """A connection without transactions that builds alone; None: another process does."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(_LOCK):
            yield None
            return
        try:
            for setting in _SETTINGS:
                await connection.execute(text(setting))
            yield connection
        except BaseException:
            await connection.invalidate()  # the lock and the settings end with it
            raise
        for reset in _RESETS:
            await connection.execute(text(reset))
        await connection.execute(_UNLOCK)


async def _build(connection: AsyncConnection, space_id: int, collection_id: int) -> bool:
    name = index_name(space_id, collection_id)
    is_valid = await connection.scalar(_IS_VALID, {"name": name})
    if is_valid:
        return True
    if is_valid is not None:
        await connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
    of_space = text(_LEAF.format(f"vec_{space_id:d}"))
    leaf = await connection.scalar(of_space, {"collection": collection_id})
    if leaf is None:
        return False
    await _take_memory(connection, space_id, collection_id)
    await connection.execute(
        text(
            f"CREATE INDEX CONCURRENTLY {name} ON {leaf} USING hnsw"
            f" (embedding halfvec_cosine_ops) WHERE collection_id = {collection_id:d}"
        )
    )
    return True


async def _take_memory(connection: AsyncConnection, space_id: int, collection_id: int) -> None:
    """As much as the graph needs."""
    counted = text(_SIZE.format(f"vec_{space_id:d}"))
    size = await connection.scalar(counted, {"collection": collection_id}) or 0
    dim = await connection.scalar(_DIM, {"space": space_id}) or 0
    megabytes = size * (2 * dim + GRAPH_BYTES) // 1_000_000
    memory = min(max(megabytes, LEAST_MEMORY_MB), MOST_MEMORY_MB)
    await connection.execute(text(f"SET maintenance_work_mem = '{memory}MB'"))
