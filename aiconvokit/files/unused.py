"""Contents that no file has any more: removed from storage, later where that is away.

Only what a deletion named is removed here, and never whatever else the storage has: it may be of a
database that somebody is about to restore. `aiconvokit check --repair` is asked for that.
"""

import logging
from collections.abc import Sequence

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from typing_extensions import override

from aiconvokit.errors import StorageAway
from aiconvokit.files import pictures, queries
from aiconvokit.jobs import enqueue
from aiconvokit.services import Services

TASK = "remove_unused"
RETRY_SECONDS = 60

logger = logging.getLogger(__name__)


class _UntilItIsBack(BaseRetryStrategy):
    """For ever: what was deleted must go."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": RETRY_SECONDS})


async def remove(services: Services, digests: Sequence[bytes]) -> None:
    """Remove those that no row mentions, each under its lock.

    Raises:
        StorageAway: some of them may be there still.
    """
    for digest in dict.fromkeys(digests):
        async with services.owner_sessions.begin() as session:  # whosever rows they are
            await queries.lock_contents(session, [digest])
            if not await queries.is_content_used(session, digest):
                await services.storage.delete(digest)
                await pictures.forget(services, digest)


async def remove_now_or_later(services: Services, digests: Sequence[bytes]) -> None:
    """`remove`; with the storage away a job does it when that is back."""
    try:
        await remove(services, digests)
    except StorageAway:
        names = [one.hex() for one in digests]
        async with services.owner_sessions.begin() as session:
            await enqueue(
                services.queue,
                session,
                TASK,
                key=TASK,
                after_seconds=RETRY_SECONDS,
                digests=names,
            )
        logger.warning("%s contents are removed when the storage is back", len(names))


def register(queue: procrastinate.App, services: Services) -> None:
    """Make the task known to a queue, so that its worker can run it."""

    async def run(digests: list[str]) -> None:
        await remove(services, [bytes.fromhex(one) for one in digests])

    queue.task(name=TASK, retry=_UntilItIsBack())(run)
