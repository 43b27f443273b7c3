"""The job queue: procrastinate on our own Postgres.

A job is queued in the transaction of the row it is about. It runs at least once, its effect is
idempotent, and a job whose worker died is taken up again within a minute.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import procrastinate
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from aiconvokit.background import beside, forever
from aiconvokit.database_faults import is_database_away
from aiconvokit.db import CONNECT_SECONDS, libpq_url
from ingestion.store import driver_connection

HEARTBEAT_SECONDS = 5
STALLED_AFTER_SECONDS = 20
"""A worker silent for four heartbeats is dead; with the loop below its job is back in 35 s."""
RESCUE_EVERY_SECONDS = 10
POLL_SECONDS = 2
SHUTDOWN_SECONDS = 1
"""A document in work is better taken up again, from its last batch, than waited for."""

logger = logging.getLogger(__name__)


class _InALine(logging.Filter):
    """Leaves out the traceback of a database that is away: the line says it all."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and is_database_away(error):
            record.exc_info = None
        return True


_IN_A_LINE = _InALine()
_TOLD_BY = ("procrastinate.worker", "procrastinate.worker.worker", "procrastinate.utils", "asyncio")
"""A filter does not reach a logger's children. asyncio tells of a job that could not be noted."""


def create_queue(database_url: str, *, pool_size: int) -> procrastinate.App:
    """A queue on a database; connections are opened by a worker only."""
    connector = procrastinate.PsycopgConnector(
        conninfo=libpq_url(database_url),
        kwargs={"connect_timeout": CONNECT_SECONDS},
        min_size=1,
        max_size=pool_size,
    )
    return procrastinate.App(connector=connector)


async def enqueue(
    queue: procrastinate.App,
    session: AsyncSession,
    task: str,
    *,
    key: str,
    after_seconds: int = 0,
    **arguments: Any,
) -> None:
    """Queue a job in the session's transaction.

    Args:
        queue: where to.
        session: whose transaction the job appears with, or not at all.
        task: the task's name.
        key: jobs of one key never run side by side. Several may wait: a second one is cheap, since
            the effect is idempotent, while refusing it would leave a failed job that wants to run
            again no place to do so (procrastinate's queueing lock).
        after_seconds: how long it waits at least.
        arguments: what the task is called with; JSON.
    """
    connection = await driver_connection(session)
    job = queue.configure_task(
        task, lock=key, connection=connection, schedule_in={"seconds": after_seconds}
    )
    await job.defer_async(**arguments)


async def enqueue_all(
    queue: procrastinate.App,
    session: AsyncSession,
    task: str,
    jobs: Mapping[str, Mapping[str, Any]],
) -> None:
    """`enqueue` for many jobs of one task, with one statement; `jobs` are arguments by key."""
    if not jobs:
        return
    made = [
        queue.configure_task(task, lock=key).make_new_job(**arguments)
        for key, arguments in jobs.items()
    ]
    await queue.job_manager.batch_defer_jobs_async(made, await driver_connection(session))


Rescue = Callable[[], Awaitable[None]]


async def run_worker(queue: procrastinate.App, *, concurrency: int, rescue: Rescue) -> None:
    """Work until cancelled; the queue must be open.

    Args:
        queue: where jobs come from.
        concurrency: jobs at once.
        rescue: called before the work begins and every ten seconds, to queue work whose job was
            lost; jobs of dead workers are put back before it.
    """

    async def look_after() -> None:
        await rescue_stalled(queue)
        await rescue()

    for name in _TOLD_BY:
        logging.getLogger(name).addFilter(_IN_A_LINE)
    rescued = forever("Looking after jobs", RESCUE_EVERY_SECONDS, look_after)
    async with beside(rescued, "rescue lost jobs"):
        await queue.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_AFTER_SECONDS,
            shutdown_graceful_timeout=SHUTDOWN_SECONDS,
            delete_jobs="successful",
        )


async def rescue_stalled(queue: procrastinate.App) -> int:
    """Put jobs of dead workers back in the queue; their number."""
    manager = queue.job_manager
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS))
    for job in stalled:
        logger.warning("Job %s (%s) lost its worker and runs again", job.id, job.task_name)
        await manager.retry_job(job)
    return len(stalled)
