"""Engines and sessions on one Postgres.

Two roles: the *owner* (whoever DATABASE_URL logs in as) makes tables and runs the worker; requests
run as `aiconvokit_app`, which may read and write rows and nothing else.
"""

import re
from typing import Any

import psycopg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from aiconvokit.errors import ConfigurationError

APP_ROLE = "aiconvokit_app"
MIN_POSTGRES = 16
MIN_PGVECTOR = (0, 8, 4)  # before it: HNSW corruption and overflow bugs
CONNECT_SECONDS = 5  # a database that is away is told within 6 s

# The application chooses exact or index scans itself, never the planner (docs/decisions/0002).
SESSION_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "plan_cache_mode=force_custom_plan",
        "jit=off",
        "max_parallel_workers_per_gather=0",
        "timezone=UTC",
        "statement_timeout=60s",
        "idle_in_transaction_session_timeout=60s",
    )
)

Sessions = async_sessionmaker[AsyncSession]


def driver_url(database_url: str) -> str:
    """Any spelling of a Postgres URL as SQLAlchemy's psycopg dialect wants it."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", database_url)


def libpq_url(database_url: str) -> str:
    """The same URL for psycopg itself and for procrastinate."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)


def create_engine(database_url: str, *, pool_size: int, role: str | None = None) -> AsyncEngine:
    """Make an engine whose every connection has our session settings.

    Args:
        database_url: any Postgres URL.
        pool_size: most connections; waiting for one longer than 5 s is an error.
        role: the role to run as; None stays the one who logged in.
    """
    options = SESSION_OPTIONS + (f" -c role={role}" if role else "")
    url = make_url(driver_url(database_url))
    given = url.query.get("options")
    if given:
        options = f"{given if isinstance(given, str) else ' '.join(given)} {options}"
        url = url.difference_update_query(["options"])
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": CONNECT_SECONDS},
    )


def create_sessions(engine: AsyncEngine) -> Sessions:
    """Sessions that keep loaded objects usable after their transaction."""
    return async_sessionmaker(engine, expire_on_commit=False)


def check_server(connection: psycopg.Connection[Any]) -> None:
    """Refuse a server that is too old.

    Raises:
        ConfigurationError: the sentence of `refusal`.
    """
    row = connection.execute(
        "SELECT coalesce("
        "(SELECT extversion FROM pg_extension WHERE extname = 'vector'),"
        "(SELECT default_version FROM pg_available_extensions WHERE name = 'vector'))"
    ).fetchone()
    reason = refusal(connection.info.server_version // 10_000, row[0] if row else None)
    if reason is not None:
        raise ConfigurationError(reason)


def refusal(postgres: int, pgvector: str | None) -> str | None:
    """Why a server of these versions cannot be used (pgvector None: not there), or None."""
    needed = ".".join(map(str, MIN_PGVECTOR))
    if postgres < MIN_POSTGRES:
        return (
            f"The database server is Postgres {postgres}; AIConvoKit needs {MIN_POSTGRES} or newer."
        )
    if pgvector is None:
        return f"The database server has no pgvector; install pgvector {needed} or newer on it."
    if tuple(int(part) for part in re.findall(r"\d+", pgvector)[:3]) < MIN_PGVECTOR:
        return (
            f"The database has pgvector {pgvector}; AIConvoKit needs {needed} or newer. "
            "Install it on the server, then run: ALTER EXTENSION vector UPDATE"
        )
    return None
