"""Engines and sessions on one Postgres, and a pool for what every turn does.

Sessions are for the many statements that run now and then. What runs in every turn (authentication,
search, the turn's own statements) is psycopg without SQLAlchemy around it: a quarter of the CPU
(docs/decisions/0006).

Two roles: the *owner* (whoever DATABASE_URL logs in as) makes tables and runs the worker; requests
run as `aiconvokit_app`, which sees the rows of the user it was told (`aiconvokit.acting`).
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.util import await_only
from typing_extensions import override

from aiconvokit.acting import NAME, UNCHANGED, acting
from aiconvokit.errors import ConfigurationError

APP_ROLE = "aiconvokit_app"
MIN_POSTGRES = 16
MIN_PGVECTOR = (0, 8, 4)  # before it: HNSW corruption and overflow bugs
CONNECT_SECONDS = 5  # a database that is away is told within 6 s
PING_AFTER_SECONDS = 1.0
"""A round trip before every use costs a turn a tenth of its CPU; after a rest it is worth it."""
CHECK_SECONDS = 2.0
TCP_TIMEOUT_MS = 5_000
"""A host that was unplugged acknowledges nothing; without it the system waits for minutes."""
RECONNECT_SECONDS = 2.0
"""A pool whose server is away tries again for each request; its own trying would back off."""
_RESTING_SINCE = "resting_since"
_TOLD = "told"

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

EF_SEARCH = 80
"""An index of vectors looks at more than the 60 that a search takes of it."""

# What every turn does, it does by keys, whatever the values and however few rows there are yet:
# planned once, and not 1 ms in every turn; by an index, also where a table was so small when the
# plan was made that reading all of it seemed cheaper (after some hundred turns on a new server 7 %
# of Postgres' CPU went into that). Nor may the planner sort: it would rather sort a collection's
# vectors than ask their index. Where there is no other way, it reads and sorts all the same. The
# index goes on until there are enough rows that pass a filter. Said once a connection, and not with
# two statements a search.
_POOL_SETTINGS = f"""
SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('enable_seqscan', 'off', false), set_config('enable_sort', 'off', false),
       set_config('hnsw.ef_search', '{EF_SEARCH}', false),
       set_config('hnsw.iterative_scan', 'strict_order', false)
"""

Sessions = async_sessionmaker[AsyncSession]


def driver_url(database_url: str) -> str:
    """Any spelling of a Postgres URL as SQLAlchemy's psycopg dialect wants it."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", database_url)


def libpq_url(database_url: str) -> str:
    """The same URL for psycopg itself and for procrastinate."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)


@dataclass(frozen=True, slots=True)
class Wall:
    """What a connection is told when it is made, so that row-level security can decide by it."""

    shares: bool
    """Whether everybody may ask everybody's assistants."""

    @property
    def options(self) -> str:
        """The role that security is applied to, and what it decides by."""
        return f" -c role={APP_ROLE} -c aiconvokit.shared={'on' if self.shares else 'off'}"


def create_engine(database_url: str, *, pool_size: int, wall: Wall | None = None) -> AsyncEngine:
    """Make an engine whose every connection has our session settings.

    Args:
        database_url: any Postgres URL.
        pool_size: most connections; waiting for one longer than 5 s is an error.
        wall: connections see the rows of who asks (`aiconvokit.acting`); None: they are the
            owner's, of who logged in, and see all.
    """
    url = make_url(driver_url(database_url))
    options = _options(url, wall)
    url = url.difference_update_query(["options"])
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        json_serializer=_to_json,
        json_deserializer=msgspec.json.decode,
        connect_args={
            "options": options,
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": TCP_TIMEOUT_MS,
        },
    )
    event.listen(engine.sync_engine, "checkin", _note_rest)
    event.listen(engine.sync_engine, "checkout", _ping_after_rest)
    if wall is not None:
        event.listen(engine.sync_engine, "checkout", _name_who_asks)
    return engine


Transaction = psycopg.AsyncConnection[TupleRow]
"""A connection of a pool, in a transaction or for single statements."""


class PoolBusy(PoolTimeout):
    """All connections of a pool are in use, and none was given back in time."""


class _Loan:
    """A connection for a block of code.

    The pool's own way ends a transaction each time and goes through generators; a statement of its
    own leaves nothing to end, and every turn has some of them.
    """

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool

    async def __aenter__(self) -> Transaction:
        self._connection = await self._pool.getconn()
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        connection = self._connection
        try:
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                await connection.__aexit__(kind, error, traceback)
        finally:
            await self._pool.putconn(connection)


class Pool(AsyncConnectionPool[Transaction]):
    """A pool that tells a database that is away from one that is asked too much at once."""

    _lent = 0

    def lend(self) -> AbstractAsyncContextManager[Transaction]:
        """A connection for single statements; whoever needs several at once: `in_transaction`."""
        return _Loan(self)

    @override
    async def getconn(self, timeout: float | None = None) -> Transaction:
        try:
            connection = await super().getconn(timeout)
        except PoolTimeout as error:
            if self._lent >= self.max_size:
                raise PoolBusy(str(error)) from error
            raise
        self._lent += 1
        return connection

    @override
    async def putconn(self, conn: Transaction) -> None:
        self._lent -= 1
        await super().putconn(conn)


def create_pool(database_url: str, *, pool_size: int, wall: Wall | None = None) -> Pool:
    """Make a pool, not yet open, whose connections are like those of `create_engine`.

    But their plans are made for finding a few rows by a key, and for searches (`_POOL_SETTINGS`).
    `async with pool.lend() as …` is for single statements, `in_transaction` for several.
    Waiting for a connection longer than 5 s is a psycopg.OperationalError, `PoolBusy` where others
    have them all.
    """
    return Pool(
        libpq_url(database_url),
        kwargs={
            "options": _options(make_url(driver_url(database_url)), wall),
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": TCP_TIMEOUT_MS,
            "autocommit": True,
        },
        connection_class=psycopg.AsyncConnection[TupleRow],
        configure=_configure,
        check=_check_after_rest if wall is None else _check_and_name,
        min_size=1,
        max_size=pool_size,
        timeout=CONNECT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        open=False,
    )


@asynccontextmanager
async def in_transaction(pool: Pool) -> AsyncIterator[Transaction]:
    """One transaction: committed at the block's end, rolled back on any error.

    Statements are sent without waiting for one another: only who fetches rows waits, for all that
    was sent before. What a statement without rows came to is told by RETURNING, or at the end.
    """
    async with pool.connection() as connection, connection.pipeline():
        await connection.execute("BEGIN")
        yield connection  # left by an error, it is rolled back by the pool
        await connection.execute("COMMIT")


async def reach(connection: Transaction, collection_id: int) -> None:
    """Have a pool's connection see the passages of a collection, if they are who asks's.

    It is told so once, until it is lent for somebody else, or for another collection.
    """
    told = _told.get(connection)
    if told is not None and told[1] != collection_id:
        _told[connection] = told[0], None  # cancelled now, nobody knows what it came to
        await connection.execute("SELECT reach(%s)", (collection_id,))
        _told[connection] = told[0], collection_id


async def _configure(connection: Transaction) -> None:
    await connection.execute(_POOL_SETTINGS)
    set_json_dumps(msgspec.json.encode, connection)
    set_json_loads(msgspec.json.decode, connection)
    _taken[connection] = time.monotonic()  # until it is used it may lose its server, too


async def _check_after_rest(connection: Transaction) -> None:
    # The time of its return would be nearer, but who wants to be told of returns gets them through
    # a task of the pool's: a tenth of a millisecond each.
    since, _taken[connection] = _taken.get(connection), time.monotonic()
    if since is None or time.monotonic() - since < PING_AFTER_SECONDS:
        return
    try:
        await _ping(connection)
    except TimeoutError as error:
        await connection.close()
        raise psycopg.OperationalError("the database does not answer") from error


async def _check_and_name(connection: Transaction) -> None:
    await _check_after_rest(connection)
    user_id = acting()
    if user_id != UNCHANGED and _told.get(connection, _NEW)[0] != user_id:
        _told[connection] = _NEW  # as above
        await connection.execute(NAME, (str(user_id),))
        _told[connection] = user_id, None


_taken: WeakKeyDictionary[Transaction, float] = WeakKeyDictionary()
_told: WeakKeyDictionary[Transaction, tuple[int, int | None]] = WeakKeyDictionary()
"""Who asks by a connection, and whose passages it sees for them; none without a wall."""
_NEW: tuple[int, int | None] = UNCHANGED, None


def _options(url: URL, wall: Wall | None) -> str:
    """The server's settings for a connection: those of its URL, and ours after them."""
    given = url.query.get("options") or ()
    ours = SESSION_OPTIONS + (wall.options if wall else "")
    return " ".join([*([given] if isinstance(given, str) else given), ours])


def _note_rest(_: Any, record: Any) -> None:
    record.info[_RESTING_SINCE] = time.monotonic()


def _ping_after_rest(connection: Any, record: Any, _: Any) -> None:
    """A connection that rested may have lost its server; the pool opens another one then."""
    since = record.info.get(_RESTING_SINCE)
    if since is None or time.monotonic() - since < PING_AFTER_SECONDS:
        return
    try:
        await_only(_ping(connection.driver_connection))
    except TimeoutError as error:  # another connection would hang as well
        away = psycopg.OperationalError("the database does not answer")
        raise OperationalError(None, None, away, connection_invalidated=True) from error
    except psycopg.Error as error:
        raise DisconnectionError from error


async def _ping(connection: Transaction) -> None:
    async with asyncio.timeout(CHECK_SECONDS):
        await AsyncConnectionPool.check_connection(connection)


def _name_who_asks(connection: Any, record: Any, _: Any) -> None:
    """Tell a connection for whom it is lent, if it was lent for somebody else before."""
    user_id = acting()
    if user_id in {UNCHANGED, record.info.get(_TOLD)}:
        return
    record.info.pop(_TOLD, None)  # as above
    with closing(connection.cursor()) as cursor:
        cursor.execute(NAME, (str(user_id),))
    connection.commit()
    record.info[_TOLD] = user_id


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


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
