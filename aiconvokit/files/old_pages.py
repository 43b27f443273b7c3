"""Text of versions that were replaced: it stays only while a stored answer cites it.

An answer may go at any time, with its chat for instance, so this is looked for now and then and
not when a document is replaced.
"""

import logging
import time

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.files import old_page_queries, queries
from aiconvokit.services import Services

EVERY_SECONDS = 600.0
"""Between two sweeps of a worker: each asks every document that was ever replaced."""
AT_ONCE = 100
"""Documents of a sweep; the others are found by the next one."""

logger = logging.getLogger(__name__)


class Due:
    """Whether so many seconds have passed since it was last so; at first they have."""

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._next = 0.0

    def is_now(self) -> bool:
        """True once in the time."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._every
        return True


async def sweep(services: Services) -> None:
    """Remove what no answer cites of some documents."""
    async with services.owner_sessions.begin() as session:
        found = await old_page_queries.with_uncited_pages(session, AT_ONCE)
    for document_id in found:
        try:
            await remove_uncited(services, document_id)
        except SQLAlchemyError:  # those behind it go on, and the next round tries again
            logger.exception("Old pages of document %s cannot be removed", document_id)


async def remove_uncited(services: Services, document_id: int) -> None:
    """Remove a document's pages of old versions that no answer cites."""
    async with services.owner_sessions.begin() as session:
        if await queries.lock_document(session, document_id) is not None:
            await old_page_queries.remove_uncited(session, document_id)
