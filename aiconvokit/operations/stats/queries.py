"""What the statistics ask the database: nothing is changed, and no passage or vector is read.

Rows of tables are the server's estimates; collections, documents and jobs are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Leaves count as their table: "chunk_p7" as "chunk", "vec_1_p7" as "vec_1". `rows` are what the
# server counted when it last looked, without reading them.
_TABLES = text(
    """
    SELECT regexp_replace(c.relname, '_p\\d+$', '') AS name, count(*) AS leaves,
           CAST(sum(coalesce(s.n_live_tup, 0)) AS bigint) AS rows,
           CAST(sum(coalesce(s.n_dead_tup, 0)) AS bigint) AS dead,
           CAST(sum(pg_table_size(c.oid)) AS bigint) AS bytes,
           CAST(sum(pg_indexes_size(c.oid)) AS bigint) AS index_bytes
    FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace)
    GROUP BY 1 ORDER BY sum(pg_total_relation_size(c.oid)) DESC, 1
    """
)
_SPACES = text(
    """
    SELECT s.id, s.provider, s.model, s.dim, s.cosine_sd,
           (SELECT count(*) FROM collection c WHERE c.space_id = s.id) AS collections,
           (SELECT count(*) FROM collection c WHERE c.next_space_id = s.id) AS filled,
           (SELECT count(*) FROM collection c WHERE c.previous_space_id = s.id) AS left
    FROM embedding_space s ORDER BY s.id
    """
)
_COLLECTIONS = text(
    """
    SELECT c.id, c.public_id, c.name, u.username,
           (SELECT count(*) FROM document d WHERE d.collection_id = c.id) AS documents,
           c.chunk_count, c.space_id, c.indexed_space_id, c.removed_since_indexed
    FROM (SELECT * FROM collection ORDER BY chunk_count DESC, id LIMIT :most) AS c
        JOIN "user" u ON u.id = c.owner_id
    ORDER BY c.chunk_count DESC, c.id
    """
)
_SIZES = text(
    """
    SELECT count(*), CAST(coalesce(sum(chunk_count), 0) AS bigint),
           count(*) FILTER (WHERE indexed_space_id = space_id)
    FROM collection
    """
)
_JOBS = text(
    """
    SELECT task_name, status::text, count(*),
           CAST(coalesce(extract(epoch FROM now() - min(e.at)), 0) AS bigint) AS oldest_seconds
    FROM procrastinate_jobs j
        LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
    GROUP BY 1, 2 ORDER BY 1, 2
    """
)
_DOCUMENTS = text("SELECT status, count(*) FROM document GROUP BY 1 ORDER BY 1")
_INDEX_BYTES = text("SELECT coalesce(pg_relation_size(to_regclass(:name)), 0)")
_DATABASE = text(
    """
    SELECT pg_database_size(current_database()),
           CAST(blks_hit AS float8) / greatest(1, blks_hit + blks_read)
    FROM pg_stat_database WHERE datname = current_database()
    """
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with all its leaves; `rows` and `dead` are the server's estimates."""

    name: str
    leaves: int
    rows: int
    dead: int
    bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space: collections in it, on their way to it, and that left vectors there.

    `cosine_sd` is None before there were enough vectors to measure it.
    """

    id: int
    provider: str
    model: str
    dim: int
    cosine_sd: float | None
    collections: int
    filled: int
    left: int


@dataclass(frozen=True, slots=True)
class CollectionSize:
    """A collection; `removed` are vectors that went since its index was made."""

    id: int
    public_id: str
    name: str
    username: str
    documents: int
    passages: int
    space_id: int | None
    indexed_space_id: int | None
    removed: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """All collections together."""

    collections: int
    passages: int
    indexed: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs of one task in one state, and how long ago the first of them was queued."""

    task: str
    status: str
    count: int
    oldest_seconds: int


@dataclass(frozen=True, slots=True)
class Database:
    """All of it; `cached_share` 0..1 of the pages that were read were in the server's memory."""

    bytes: int
    cached_share: float


async def tables(session: AsyncSession) -> list[Table]:
    """All tables, the largest first."""
    return [Table(*row) for row in await session.execute(_TABLES)]


async def spaces(session: AsyncSession) -> list[Space]:
    """All embedding spaces."""
    return [Space(*row) for row in await session.execute(_SPACES)]


async def largest(session: AsyncSession, most: int) -> list[CollectionSize]:
    """The largest collections."""
    return [CollectionSize(*row) for row in await session.execute(_COLLECTIONS, {"most": most})]


async def sizes(session: AsyncSession) -> Sizes:
    """How many collections and passages there are."""
    return Sizes(*(await session.execute(_SIZES)).one())


async def jobs(session: AsyncSession) -> list[Jobs]:
    """The queue, by task and state."""
    return [Jobs(*row) for row in await session.execute(_JOBS)]


async def documents(session: AsyncSession) -> dict[str, int]:
    """How many documents are in each state."""
    return {row[0]: row[1] for row in await session.execute(_DOCUMENTS)}


async def index_bytes(session: AsyncSession, names: Sequence[str]) -> dict[str, int]:
    """How large indexes are, by name; 0: it is not there."""
    return {name: int(await session.scalar(_INDEX_BYTES, {"name": name}) or 0) for name in names}


async def database(session: AsyncSession) -> Database:
    """The database as a whole."""
    return Database(*(await session.execute(_DATABASE)).one())
