"""A collection's language, changed by its owner: the job that indexes every passage anew."""

import logging

import procrastinate
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from aiconvokit.jobs import enqueue
from aiconvokit.services import Services
from ingestion.language_store import documents_language, hold_collection, index_anew

TASK = "change_language"
RETRY_SECONDS = 5
MAX_ATTEMPTS = 10
"""What fails so often is given up; the collection stays in its former language."""

logger = logging.getLogger(__name__)


class _Again(BaseRetryStrategy):
    """Also after a shutdown: nothing but the job itself remembers what the owner wanted."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts + 1 >= MAX_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": RETRY_SECONDS})


async def queue_language(
    services: Services, session: AsyncSession, collection_id: int, language: str | None
) -> None:
    """Queue the change in the caller's transaction; None means the language of the documents."""
    await enqueue(
        services.queue,
        session,
        TASK,
        key=f"language:{collection_id}",
        collection_id=collection_id,
        language=language,
    )


def register(queue: procrastinate.App, services: Services) -> None:
    """Make the task known to a queue, so that its worker can run it."""

    async def run(collection_id: int, language: str | None) -> None:
        await change_language(services, collection_id, language)

    queue.task(name=TASK, retry=_Again())(run)


async def change_language(services: Services, collection_id: int, language: str | None) -> None:
    """Give a collection another language, or that of its documents; all of it or nothing."""
    async with services.owner_sessions.begin() as session:
        collection = await hold_collection(session, collection_id)
        if collection is None:
            return  # deleted meanwhile
        chosen = language or await documents_language(session, collection_id)
        if chosen != collection.language:
            await index_anew(session, collection_id, chosen)
            logger.info("Collection %s is %s now", collection_id, chosen)
