"""Indexes of vectors: one HNSW for one large collection, built beside running searches.

A partial index on the collection's leaf: smaller tenants of the leaf neither pay for it when they
grow nor get into its way. Few collections are large; 500 such indexes on one table would cost
1.2 ms of planning.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_LOCK = text("SELECT pg_try_advisory_lock(hashtext('aiconvokit.vector_index'), hashtext(:name))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtext('aiconvokit.vector_index'), hashtext(:name))")
_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_LEAF = "SELECT CAST(tableoid AS regclass)::text FROM {} WHERE collection_id = :collection LIMIT 1"
_NOTE = text(
    """
    UPDATE collection SET indexed_space_id = :space
    WHERE id = :collection AND indexed_space_id IS DISTINCT FROM :space
    """
)
_FORGET = text(
    "UPDATE collection SET indexed_space_id = NULL WHERE id = :collection"
    " AND indexed_space_id = :space"
)
_SIZE = "SELECT count(*) FROM {} WHERE collection_id = :collection"
_DIM = text("SELECT dim FROM embedding_space WHERE id = :space")

WORTH_FROM = 10_000
"""Passages from which on a collection should be promoted: there comparing all vectors takes a third
of a search's CPU, and the index a sixth of that. It costs 1.2 kB a vector and makes adding vectors
some ten times slower, which smaller ones do not pay back."""
GRAPH_BYTES = 700
"""Of a vector in memory while the graph is built, beside the vector; measured at 384 dimensions."""
LEAST_MEMORY_MB, MOST_MEMORY_MB = 64, 2_048
"""A graph that does not fit is built on, several times slower."""


def index_name(space_id: int, collection_id: int) -> str:
    """Of a collection's index in a space."""
    return f"ix_vec_{space_id:d}_hnsw_{collection_id:d}"


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
    name = index_name(space_id, collection_id)
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(_LOCK, {"name": name}):
            return False
        try:
            if not await _build(connection, space_id, collection_id):
                return False
        finally:
            await connection.execute(text("RESET statement_timeout"))
            await connection.execute(text("RESET maintenance_work_mem"))
            await connection.execute(_UNLOCK, {"name": name})
        await connection.execute(_NOTE, {"space": space_id, "collection": collection_id})
    return True


async def demote(engine: AsyncEngine, space_id: int, collection_id: int) -> None:
    """Let searches scan a collection again, then drop its index; that of one deleted, too."""
    name = index_name(space_id, collection_id)
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(_FORGET, {"space": space_id, "collection": collection_id})
        await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))


async def _build(connection: AsyncConnection, space_id: int, collection_id: int) -> bool:
    name, vectors = index_name(space_id, collection_id), f"vec_{space_id:d}"
    is_valid = await connection.scalar(_IS_VALID, {"name": name})
    if is_valid:
        return True
    await connection.execute(text("SET statement_timeout = 0"))
    if is_valid is not None:
        await connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
    keys = {"collection": collection_id}
    leaf = await connection.scalar(text(_LEAF.format(vectors)), keys)
    if leaf is None:
        return False
    size = await connection.scalar(text(_SIZE.format(vectors)), keys) or 0
    dim = await connection.scalar(_DIM, {"space": space_id}) or 0
    megabytes = size * (2 * dim + GRAPH_BYTES) // 1_000_000
    memory = min(max(megabytes, LEAST_MEMORY_MB), MOST_MEMORY_MB)
    await connection.execute(text(f"SET maintenance_work_mem = '{memory}MB'"))
    await connection.execute(
        text(
            f"CREATE INDEX CONCURRENTLY {name} ON {leaf} USING hnsw"
            f" (embedding halfvec_cosine_ops) WHERE collection_id = {collection_id:d}"
        )
    )
    return True
