"""What the doctor asks the database; it changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.db import APP_ROLE
from ingestion.tables import Collection, EmbeddingSpace

HNSW = "hnsw.iterative_scan"
"""A setting of pgvector's: one that it does not know only warns."""

_SERVER = text(
    "SELECT current_setting('server_version') AS version, "
    "current_setting('server_version_num')::int / 10000 AS major, "
    "(SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector, "
    "(SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available, "
    "pg_database_size(current_database()) AS bytes, "
    "(SELECT datctype FROM pg_database WHERE datname = current_database()) AS ctype, "
    "current_setting('server_encoding') AS encoding"
)
_ROLE = text(
    "SELECT me.rolname AS name, coalesce(pg_has_role(app.oid, 'SET'), false) AS may_take, "
    "coalesce(has_table_privilege(app.oid, to_regclass('collection'), 'SELECT'), true) "
    "AS may_read, "
    "me.rolsuper OR me.rolcreaterole AS may_create "
    "FROM pg_roles me LEFT JOIN pg_roles app ON app.rolname = :role "
    "WHERE me.rolname = current_user"
)
_SETTINGS = text(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', "
    "'synchronous_commit', 'max_connections', 'superuser_reserved_connections', "
    "'reserved_connections', 'plan_cache_mode', 'jit', 'max_parallel_workers_per_gather', "
    "'shared_buffers')"
)
_BUFFERS = text("SELECT pg_size_bytes(current_setting('shared_buffers'))")
_CONNECTIONS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid <> pg_backend_pid()"
)
_LOAD_PGVECTOR = text("SELECT '[1]'::vector")
_SET_HNSW = text("SELECT set_config(:name, :value, true)")
_CLOCK = text("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Server:
    """The database server; `pgvector` is the database's, `available` the server's version."""

    version: str
    major: int
    pgvector: str | None
    available: str | None
    bytes: int
    ctype: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Role:
    """What the URL's role may do: take the app role, make it; and whether that reads our tables."""

    name: str
    may_take: bool
    may_read: bool
    may_create: bool


@dataclass(frozen=True, slots=True)
class Space:
    """An embedding space, and how many collections are searched in it."""

    provider: str
    model: str
    dim: int
    collections: int


async def server(session: AsyncSession) -> Server:
    """Versions and the like."""
    return Server(**(await session.execute(_SERVER)).mappings().one())


async def role(session: AsyncSession) -> Role:
    """Whether requests can run as a role of their own."""
    row = (await session.execute(_ROLE, {"role": APP_ROLE})).one()
    return Role(row.name, row.may_take, row.may_read, row.may_create)


async def settings(session: AsyncSession) -> dict[str, str]:
    """Settings by name as this session has them; `shared_buffers` in bytes."""
    found = {row.name: str(row.setting) for row in await session.execute(_SETTINGS)}
    found["shared_buffers"] = str(await session.scalar(_BUFFERS))
    return found


async def connections(session: AsyncSession) -> int:
    """How many other clients are connected to the server."""
    return int(await session.scalar(_CONNECTIONS) or 0)


async def hnsw_takes(session: AsyncSession, value: str) -> bool:
    """Whether pgvector's setting exists and takes a value, for this transaction.

    A name that nobody knows can be set, too: only once the library is loaded, the name is its own.
    """
    await session.execute(_LOAD_PGVECTOR)
    known = text("SELECT count(*) FROM pg_settings WHERE name = :name")
    if not await session.scalar(known, {"name": HNSW}):
        return False
    return bool(await session.scalar(_SET_HNSW, {"name": HNSW, "value": value}) == value)


async def clock(session: AsyncSession) -> datetime:
    """The time on the server."""
    found: Any = await session.scalar(_CLOCK)
    assert isinstance(found, datetime)  # noqa: S101 - for the type checker: it has a time zone
    return found


async def spaces(session: AsyncSession) -> list[Space]:
    """Embedding spaces that collections are searched in."""
    rows = await session.execute(
        select(EmbeddingSpace.provider, EmbeddingSpace.model, EmbeddingSpace.dim, Collection.id)
        .join(Collection, Collection.space_id == EmbeddingSpace.id)
        .order_by(EmbeddingSpace.id)
    )
    counted: dict[tuple[str, str, int], int] = {}
    for provider, model, dim, _ in rows:
        counted[provider, model, dim] = counted.get((provider, model, dim), 0) + 1
    return [Space(*key, count) for key, count in counted.items()]
