"""What goes by itself: documents of collections that nobody uses, kept answers, pages of old text.

Of a collection that expires the documents go, and the collection stays.
"""

import logging
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.accounts import idempotency_store
from aiconvokit.accounts.deletions import Removed
from aiconvokit.files import attachment_queries as statements
from aiconvokit.files import documents, old_pages
from aiconvokit.files.old_pages import Due
from aiconvokit.services import Services
from ingestion.language_store import hold_collection
from ingestion.tables import Collection

AT_ONCE = 5
"""Collections emptied in one round of the sweep; the next one comes within seconds."""

logger = logging.getLogger(__name__)


def expires_at(collection: Collection) -> datetime | None:
    """When a collection expires, if nobody uses it until then; None: never."""
    days = collection.expires_after_days
    return None if days is None else collection.last_active_at + timedelta(days=days)


def is_expired(collection: Collection) -> bool:
    """Whether nobody used a collection for as long as its owner wants to keep it."""
    end = expires_at(collection)
    return end is not None and end < datetime.now(UTC)


async def sweep(services: Services, old_pages_due: Due) -> None:
    """Remove some of all that; files of their own stay. Pages wait until they are due."""
    async with services.owner_sessions.begin() as session:
        await idempotency_store.sweep(session)
    if old_pages_due.is_now():
        await old_pages.sweep(services)
    async with services.owner_sessions.begin() as session:
        found = await statements.expired_collections(session, AT_ONCE)
    for collection_id in found:
        try:
            await _empty(services, collection_id)
        except SQLAlchemyError:  # those behind it go on, and the next round tries again
            logger.exception("Collection %s cannot be emptied", collection_id)


async def _empty(services: Services, collection_id: int) -> None:
    removed = Removed()
    async with services.owner_sessions.begin() as session:
        await statements.hold_names(session, collection_id)
        unused = await documents.remove_all(session, collection_id, removed)
        collection = await hold_collection(session, collection_id)
        if collection is not None and not is_expired(collection):
            await session.rollback()  # used meanwhile
            return
    logger.info("Collection %s has expired: %s documents", collection_id, len(removed.documents))
    try:
        await documents.discard(services, unused)
    except OSError:  # the rows are gone, and whoever looks after the worker must go on
        logger.exception("Files of collection %s", collection_id)
