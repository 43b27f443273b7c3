"""Rate limits: token buckets in Postgres, so that they hold across processes and restarts."""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import Throttled

SWEPT = 10_000
"""Rows in one transaction: 50 ms."""

_NOW_FULL = "least(:burst, b.level + :rate * extract(epoch FROM now() - b.updated_at))"

# One that is empty is locked and stays as it was: waiting, not asking again, refills it. The row
# of the conflict is the newest: two first requests of one address come at once.
_TAKE = text(
    f"""
    INSERT INTO rate_bucket AS b (key, level) VALUES (:key, :burst - :amount)
    ON CONFLICT (key) DO UPDATE SET level = {_NOW_FULL} - :amount, updated_at = now()
    WHERE {_NOW_FULL} >= :amount
    RETURNING b.level
    """  # noqa: S608  # our own expression
)
_LEFT = text(f"SELECT {_NOW_FULL} FROM rate_bucket b WHERE key = :key")  # noqa: S608  # as above

_SWEEP = text(
    """
    DELETE FROM rate_bucket WHERE key IN (
        SELECT key FROM rate_bucket WHERE updated_at < now() - :age
        LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


async def take(session: AsyncSession, key: str, *, burst: int, per_minute: float) -> None:
    """Take one from a bucket of `burst` that refills at `per_minute`; the caller commits.

    Raises:
        Throttled: it is empty; the error says when there is one again.
    """
    if not await has_taken(session, key, burst=burst, per_minute=per_minute):
        rate = per_minute / 60
        left = await session.scalar(_LEFT, {"key": key, "burst": float(burst), "rate": rate})
        raise Throttled((1 - float(left)) / rate)


async def has_taken(
    session: AsyncSession, key: str, *, burst: int, per_minute: float, amount: int = 1
) -> bool:
    """Take some from a bucket, or none where it has not so many; the caller commits."""
    parameters = {
        "key": key,
        "burst": float(burst),
        "rate": per_minute / 60,
        "amount": float(amount),
    }
    return (await session.scalar(_TAKE, parameters)) is not None


async def sweep(session: AsyncSession, age: timedelta) -> int:
    """Remove some buckets that nobody took from for so long; the caller commits. How many.

    A bucket that is not there is a full one: `age` must be no shorter than the slowest needs to
    fill up. Rows that somebody else holds are left.
    """
    found = await session.execute(_SWEEP, {"age": age, "most": SWEPT})
    return cast("CursorResult[Any]", found).rowcount
