"""Deleting an assistant: with its chats, and with the documents that no other assistant reads."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import idempotency_store
from aiconvokit.accounts.deletions import Removed
from aiconvokit.assistants import access, queries
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from ingestion.store import empty_collection
from ingestion.tables import Collection


async def remove_assistant(
    session: AsyncSession, assistant_id: int, removed: Removed
) -> list[bytes]:
    """Delete an assistant in the caller's transaction.

    Args:
        session: the caller's.
        assistant_id: which one.
        removed: is told what went.

    Returns:
        digests of contents for `documents.discard` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    await access.hold(session, assistant_id, "delete")
    collections = await queries.collections_of(session, assistant_id)
    chats, messages = await queries.delete_assistant(session, assistant_id)
    await idempotency_store.forget(session, assistant_id)
    removed.assistants.append(assistant_id)
    removed.chats += chats
    removed.messages += messages
    return await _remove_unread(session, collections, removed)


async def remove_everything_of(
    session: AsyncSession, user_id: int, removed: Removed
) -> list[bytes]:
    """Delete a user's assistants, collections and files; the rest goes with the user's own row.

    Returns:
        digests of contents for `documents.discard` AFTER the commit.
    """
    unused: list[bytes] = []
    for assistant in await queries.assistants_of(session, user_id):
        unused += await remove_assistant(session, assistant.id, removed)
    unused += await _remove_unread(session, await queries.collections_by(session, user_id), removed)
    return unused + await file_queries.delete_files_of(session, user_id)


async def _remove_unread(
    session: AsyncSession, collections: Sequence[Collection], removed: Removed
) -> list[bytes]:
    unused: list[bytes] = []
    for collection in collections:
        if await queries.is_collection_shared(session, collection.id):
            continue
        # All before the first: the worker's swap holds its document and wants the collection.
        document_ids = await file_queries.lock_documents(session, collection.id)
        await empty_collection(session, collection.id)
        for document_id in document_ids:
            unused += await documents.remove_emptied(session, document_id, removed)
        await queries.delete_collection(session, collection.id)
    return unused
