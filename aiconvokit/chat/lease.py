"""One turn at a time in a thread: a lease in the database instead of a lock.

No connection is held while a model is awaited, so there is nothing a lock could hang on. A lease
is renewed while its turn lives and runs out by itself when the process died.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg

from aiconvokit.background import forever
from aiconvokit.chat import turn_queries
from aiconvokit.services import Services

WAIT_SECONDS = 1.0
"""How long a second turn waits for the first before it is told that the chat is busy."""
POLL_SECONDS = 0.1
SWEEP_SECONDS = 10
"""With the lease's 45 s, the answer of a process that died is told as interrupted within 60 s."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Renewal:
    """Whether the lease of a block is still its own."""

    is_lost: bool = False


@asynccontextmanager
async def renewed(services: Services, thread_id: int, lease: UUID) -> AsyncIterator[Renewal]:
    """Keep a lease alive as long as the block runs, which is told when it was lost."""
    renewal = Renewal()
    task = asyncio.create_task(
        _renew_forever(services, thread_id, lease, renewal), name="renew lease"
    )
    try:
        yield renewal
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _renew_forever(services: Services, thread_id: int, lease: UUID, renewal: Renewal) -> None:
    seconds = services.settings.limits.lease_seconds
    while True:
        await asyncio.sleep(seconds / 3)
        try:
            async with services.pool.lend() as transaction:
                if not await turn_queries.renew_lease(transaction, thread_id, lease, seconds):
                    renewal.is_lost = True
                    return
        except psycopg.Error as error:
            logger.warning("A lease could not be renewed: %s", type(error).__name__)


async def free_lost_threads(services: Services) -> None:
    """For ever: answers whose process died become `interrupted`, and their threads free."""

    async def free() -> None:
        async with services.owner_sessions.begin() as session:  # whosever they are
            if lost := await turn_queries.interrupt_lost(session):
                logger.warning("%s answers were left unfinished by a process that died", lost)

    await forever("Looking for lost turns", SWEEP_SECONDS, free)
