"""Rate limits: token buckets in Postgres, so that they hold across processes and restarts."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import Throttled

# `level` is what is left after this one; below zero the bucket was empty and nothing was taken:
# the level is then kept as it was, so that waiting, not asking again, refills it.
_TAKE = text(
    """
    WITH now_full AS (
        SELECT least(:burst, b.level + :rate * extract(epoch FROM now() - b.updated_at)) AS level
        FROM rate_bucket b WHERE key = :key FOR UPDATE
    )
    INSERT INTO rate_bucket AS b (key, level) VALUES (:key, :burst - 1)
    ON CONFLICT (key) DO UPDATE SET
        level = CASE WHEN (SELECT level FROM now_full) >= 1 THEN (SELECT level - 1 FROM now_full)
                     ELSE (SELECT level FROM now_full) END,
        updated_at = now()
    RETURNING b.level, coalesce((SELECT level FROM now_full) < 1, false) AS refused
    """
)


async def take(session: AsyncSession, key: str, *, burst: int, per_minute: float) -> None:
    """Take one from a bucket of `burst` that refills at `per_minute`; the caller commits.

    Raises:
        Throttled: it is empty; the error says when there is one again.
    """
    rate = per_minute / 60
    parameters = {"key": key, "burst": float(burst), "rate": rate}
    level, refused = (await session.execute(_TAKE, parameters)).one()
    if refused:
        raise Throttled((1 - level) / rate)
