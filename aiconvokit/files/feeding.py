"""Who is read next: the rows of documents are the line, and the queue holds only its head.

An owner has jobs for a few documents only, whatever waits behind them: so somebody else's document
is never behind more than those few, and the queue stays small where 50,000 documents wait. When a
document's job ends, its owner's next document gets one, at the end of the queue: owners take turns.
"""

from collections.abc import Sequence

import procrastinate
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.feeding_queries import INGEST_TASK, next_of_all, next_of_owners
from aiconvokit.jobs import enqueue_all


async def feed(
    queue: procrastinate.App,
    session: AsyncSession,
    document_ids: Sequence[int],
    at_once: int,
    *,
    ending: int | None = None,
) -> None:
    """Queue what comes next of the owners of some documents, in the caller's transaction.

    Args:
        queue: where to.
        session: the caller's.
        document_ids: new ones; or the one whose job ends.
        at_once: documents of an owner that a worker reads at once.
        ending: the id of the job that ends; None: the documents are new.
    """
    asked = document_ids if ending is None else ()
    found = await next_of_owners(session, document_ids, at_once, asked=asked, ending=ending or 0)
    await _enqueue(queue, session, found)


async def feed_all(queue: procrastinate.App, session: AsyncSession, at_once: int) -> list[int]:
    """Queue what comes next of everybody; what was queued."""
    found = await next_of_all(session, at_once)
    await _enqueue(queue, session, found)
    return list(found)


async def _enqueue(
    queue: procrastinate.App, session: AsyncSession, document_ids: Sequence[int]
) -> None:
    jobs = {f"document:{one}": {"document_id": one} for one in document_ids}
    await enqueue_all(queue, session, INGEST_TASK, jobs)
