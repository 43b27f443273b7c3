"""One turn at a time in a thread: a lease in the database instead of a lock.

No connection is held while a model is awaited, so there is nothing a lock could hang on. A lease
is renewed while its turn lives and runs out by itself when the process died.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.chat import queries
from aiconvokit.services import Services

WAIT_SECONDS = 1.0
"""How long a second turn waits for the first before it is told that the chat is busy."""
POLL_SECONDS = 0.1

logger = logging.getLogger(__name__)


@asynccontextmanager
async def renewed(services: Services, thread_id: int, token: UUID) -> AsyncIterator[None]:
    """Keep a lease alive as long as the block runs."""
    task = asyncio.create_task(_renew_forever(services, thread_id, token), name="renew lease")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _renew_forever(services: Services, thread_id: int, token: UUID) -> None:
    seconds = services.settings.limits.lease_seconds
    while True:
        await asyncio.sleep(seconds / 3)
        try:
            async with services.sessions.begin() as session:
                if not await queries.renew_lease(session, thread_id, token, seconds):
                    return
        except SQLAlchemyError as error:
            logger.warning("A lease could not be renewed: %s", type(error).__name__)
