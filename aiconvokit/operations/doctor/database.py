"""The database: versions, schema, roles, settings, clock, and whose vectors it holds."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.config import MIB, Limits
from aiconvokit.db import APP_ROLE, MIN_POSTGRES, Sessions, driver_url, refusal
from aiconvokit.errors import ConfigurationError
from aiconvokit.operations.doctor import queries
from aiconvokit.operations.doctor.findings import Findings

SMALL_BUFFERS = 64 * MIB
"""Half of what Postgres comes with; searches read vectors from it."""
MOST_SKEW_SECONDS = 5.0
"""Leases are written with one clock and judged with the other."""
SLOW_MS = 20.0
"""A round trip; a turn makes about ten."""
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
OURS = {
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}
"""What each of our connections asks for (`db.SESSION_OPTIONS`) and a pooler may drop."""

CheckSchema = Callable[[str], None]
"""Raises ConfigurationError when the schema at a URL does not fit this program."""


async def examine(sessions: Sessions, where: str, limits: Limits, findings: Findings) -> bool:
    """Look at the server.

    Args:
        sessions: on it.
        where: what to call it.
        limits: how many connections we take.
        findings: where to note what is found.

    Returns:
        whether its schema is worth a look: it can be reached, and its versions are new enough.
    """
    try:
        async with sessions() as session:
            server = await queries.server(session)
            began = time.perf_counter()
            now = await queries.clock(session)
            milliseconds = 1000 * (time.perf_counter() - began)
            _reached(findings, server, where, milliseconds)
            _encoding(findings, server)
            _clock(findings, (now - datetime.now(UTC)).total_seconds())
            await _roles(findings, session)
            await _settings(findings, session, limits)
            if not _pgvector(findings, server):
                return False
            if server.pgvector is not None:
                await _hnsw(findings, session)
    except SQLAlchemyError as error:
        findings.fail("database server", f"{where}: {reason(error)}", REACH)
        return False
    return True


REACH = "Start it, or correct DATABASE_URL; without one an embedded Postgres is used."
SPELLING = "Its form is postgresql://user:password@host:5432/database"
EMBEDDED = "Correct that, or set DATABASE_URL to a Postgres of your own."


def place(url: str, *, is_embedded: bool) -> str:
    """What to call a database: host, port and name, never its user or password."""
    if is_embedded:
        return "embedded"
    found = make_url(driver_url(url))
    return f"{found.host or 'local socket'}:{found.port or 5432}/{found.database or ''}"


def reason(error: SQLAlchemyError) -> str:
    """The first line of what the server or the driver said."""
    told = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return told.splitlines()[0] if told else type(error).__name__


def schema(url: str, check: CheckSchema, findings: Findings) -> bool:
    """Whether the tables are those of this program."""
    try:
        check(url)
    except ConfigurationError as error:
        told, _, advice = str(error).rpartition(". ")
        findings.fail("database schema", f"{told}." if told else str(error), advice)
        return False
    findings.ok("database schema", "The tables are those of this program.")
    return True


def _reached(findings: Findings, server: queries.Server, where: str, milliseconds: float) -> None:
    size = f"{server.bytes / MIB:,.0f} MiB"
    found = f"Postgres {server.version.split()[0]}, {where}: {size}; {milliseconds:.1f} ms a query."
    if server.major < MIN_POSTGRES:
        findings.fail("database server", found, f"Postgres {MIN_POSTGRES} or newer is needed.")
    elif milliseconds > SLOW_MS:
        findings.warn("database server", found, "Each turn asks some ten times: bring it nearer.")
    else:
        findings.ok("database server", found)


def _encoding(findings: Findings, server: queries.Server) -> None:
    if server.encoding != "UTF8":
        findings.fail(
            "database encoding",
            f"The database stores text as {server.encoding}.",
            "Make one with ENCODING 'UTF8' and name it in DATABASE_URL.",
        )
    elif server.ctype in {"C", "POSIX"}:
        findings.warn(
            "database encoding",
            f"lc_ctype is {server.ctype}: the word search takes dashes and quotes for letters.",
            "Make the database with LC_CTYPE 'C.UTF-8'.",
        )
    else:
        findings.ok("database encoding", f"UTF8, letters as in {server.ctype}.")


def _pgvector(findings: Findings, server: queries.Server) -> bool:
    """Whether it is there and new enough."""
    found, there = server.pgvector, server.available
    if why := refusal(max(server.major, MIN_POSTGRES), found or there):
        findings.fail("database pgvector", why, INSTALL)
        return False
    if found is None:
        findings.warn(
            "database pgvector",
            f"{there} is on the server, not yet in the database.",
            "Run: aiconvokit migrate (or have a superuser run there: CREATE EXTENSION vector)",
        )
    elif there not in {None, found}:
        findings.warn(
            "database pgvector",
            f"{found} in the database, {there} on the server.",
            "Run there: ALTER EXTENSION vector UPDATE",
        )
    else:
        findings.ok("database pgvector", f"{found}.")
    return True


INSTALL = "The image pgvector/pgvector:pg18 has it; without DATABASE_URL the embedded one does."


async def _roles(findings: Findings, session: AsyncSession) -> None:
    role = await queries.role(session)
    if role.may_take and not role.may_read:
        findings.fail(
            "database roles",
            f"Requests would run as {APP_ROLE}, which may not read our tables: it was made later.",
            f"Have a superuser run: REVOKE {APP_ROLE} FROM {role.name}; or, where nothing else "
            f"uses it: DROP ROLE {APP_ROLE};",
        )
    elif role.may_take:
        findings.ok("database roles", f"Two: requests run as {APP_ROLE}, which sees who asks only.")
    elif role.may_create:
        findings.warn("database roles", f"There is no {APP_ROLE} yet.", "Run: aiconvokit migrate")
    else:
        findings.warn(
            "database roles",
            f"One does everything, since {role.name} may make no other.",
            f"It works. For two, before the first migration: ALTER ROLE {role.name} CREATEROLE",
        )


async def _settings(findings: Findings, session: AsyncSession, limits: Limits) -> None:
    found = await queries.settings(session)
    dropped = [name for name, wanted in OURS.items() if found.get(name) != wanted]
    if dropped:
        findings.fail(
            "database sessions",
            f"Our settings do not arrive: {', '.join(dropped)}.",
            "Something in between drops them: PgBouncer must run in session mode, or not at all.",
        )
    off = [name for name in DURABLE if found.get(name) == "off"]
    buffers = int(found["shared_buffers"])
    if off:
        findings.fail(
            "database settings",
            f"Off: {', '.join(off)}. A power failure loses what was acknowledged, or all.",
            "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off),
        )
    elif buffers < SMALL_BUFFERS:
        findings.warn(
            "database settings",
            f"shared_buffers is {buffers / MIB:,.0f} MiB: searches read from the disk.",
            "Set it to a quarter of the server's memory and start the server again.",
        )
    else:
        findings.ok("database settings", f"Durable; shared_buffers {buffers / MIB:,.0f} MiB.")
    _connections(findings, found, limits, await queries.connections(session))


def _connections(findings: Findings, found: dict[str, str], limits: Limits, taken: int) -> None:
    reserved = ("superuser_reserved_connections", "reserved_connections")
    most = int(found["max_connections"]) - sum(int(found.get(name, "0")) for name in reserved)
    # requests, in two pools; the worker's engine and its queue; the queue's listener
    needed = 2 * limits.pool_size + 2 * limits.worker_pool_size + 1
    said = f"{most} for everybody, {taken} taken now; one process with its worker takes {needed}."
    if needed > most:
        findings.fail(
            "database connections",
            said,
            "Raise max_connections, or lower AICONVOKIT_POOL_SIZE and AICONVOKIT_WORKER_POOL_SIZE.",
        )
    else:
        findings.ok("database connections", said)


async def _hnsw(findings: Findings, session: AsyncSession) -> None:
    """A setting that pgvector does not know only warns, so it is looked at."""
    if not await queries.hnsw_takes(session, "strict_order"):
        findings.fail(
            "database pgvector settings", f"{queries.HNSW} does not take effect.", INSTALL
        )


def _clock(findings: Findings, skew: float) -> None:
    if abs(skew) > MOST_SKEW_SECONDS:
        findings.warn(
            "database clock",
            f"The database's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}.",
            "Set both machines by NTP: the leases of threads in work are judged by the clock.",
        )
    else:
        findings.ok("database clock", f"{abs(skew) * 1000:.0f} ms apart from the database's.")
