"""What a scrape asks the database: one statement, of the whole server, whosever the rows are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.jobs import STALLED_AFTER_SECONDS

# A queued document's `updated_at` is when it was put there, or when the reason to wait changed.
_READ = text(
    """
    SELECT
        (SELECT coalesce(jsonb_object_agg(status, n), '{}')
         FROM (SELECT status, count(*) AS n FROM document GROUP BY status) AS d),
        (SELECT CAST(coalesce(extract(epoch FROM now() - min(updated_at)), 0) AS float)
         FROM document WHERE status = 'queued'),
        (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'),
        (SELECT count(*) FROM procrastinate_workers
         WHERE last_heartbeat > now() - make_interval(secs => :seconds)),
        (SELECT CAST(extract(epoch FROM now() - max(last_heartbeat)) AS float)
         FROM procrastinate_workers),
        pg_database_size(current_database())
    """
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database said at one moment; times in seconds, sizes in bytes."""

    documents: Mapping[str, int]
    """By status."""
    oldest_waiting: float
    """How long the document that waits longest has done so; 0: none does."""
    waiting_jobs: int
    workers: int
    """That were heard of lately."""
    heartbeat_age: float | None
    """None: there is no worker, and none died."""
    size: int


async def read(session: AsyncSession) -> Reading:
    """Read everything."""
    row = (await session.execute(_READ, {"seconds": STALLED_AFTER_SECONDS})).one()
    return Reading(*row)
