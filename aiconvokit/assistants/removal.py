"""Deleting an assistant, with its chats and its own documents or by itself; or one document."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions, idempotency_store
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.tables import Deletion
from aiconvokit.assistants import access, folder_memory, queries
from aiconvokit.errors import NotFound
from aiconvokit.files import attachment_queries, documents
from aiconvokit.files import queries as file_queries
from aiconvokit.services import Services
from ingestion.tables import Collection


async def remove_document(
    session: AsyncSession, user_id: int, assistant_id: int, document_id: int
) -> tuple[Deletion, list[bytes]]:
    """Delete a document that an assistant reads, and write down what went.

    Returns:
        what was written down, and digests of contents for `documents.discard` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    document = await file_queries.lock_document(session, document_id)
    if document is None:
        raise NotFound.of("Document")
    place = await queries.place_of(session, document)
    removed = Removed()
    unused = await documents.remove(session, document_id, removed)
    await idempotency_store.forget(session, assistant_id)
    deletion = await deletions.keep(
        session, user_id, "document", document_id, removed, public_id=place
    )
    return deletion, unused


async def clean_up(services: Services, removed: Removed, unused: Sequence[bytes]) -> None:
    """AFTER the commit: take what is left of deleted assistants out of the data folder.

    Args:
        services: the storage, and the data folder.
        removed: what went.
        unused: digests of contents, which may be used again by now.
    """
    await documents.discard(services, unused)
    await asyncio.to_thread(folder_memory.forget, services.data_dir, removed.assistants)


async def remove_assistant(
    session: AsyncSession, assistant_id: int, removed: Removed
) -> list[bytes]:
    """Delete an assistant, its chats, and its own collection unless another assistant reads it.

    Collections that were attached to it stay. All in the caller's transaction.

    Args:
        session: the caller's.
        assistant_id: which one.
        removed: is told what went.

    Returns:
        digests of contents for `clean_up` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    await access.hold(session, assistant_id, "delete")
    own = await queries.find_own_collection(session, assistant_id)
    chats, messages = await queries.delete_assistant(session, assistant_id)
    await idempotency_store.forget(session, assistant_id)
    removed.assistants.append(assistant_id)
    removed.chats += chats
    removed.messages += messages
    return await _remove_unread(session, [own] if own else [], removed)


async def remove_assistant_alone(
    session: AsyncSession, assistant_id: int, removed: Removed
) -> None:
    """Delete an assistant in the caller's transaction; threads and collections stay.

    The threads are chats no more, and can be gone on with under another assistant. What visitors
    of its widgets said goes with those.

    Raises:
        NotFound: somebody else was faster.
    """
    await access.hold(session, assistant_id, "delete")
    chats, messages = await queries.delete_assistant_alone(session, assistant_id)
    await idempotency_store.forget(session, assistant_id)
    removed.assistants.append(assistant_id)
    removed.chats += chats
    removed.messages += messages


async def remove_everything_of(
    session: AsyncSession, user_id: int, removed: Removed
) -> list[bytes]:
    """Delete a user's assistants, collections and files; the rest goes with the user's own row.

    Returns:
        digests of contents for `clean_up` AFTER the commit.
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
        # Threads first, as turns lock them; then nobody may attach a file any more.
        await queries.leave_threads(session, collection.id)
        await attachment_queries.hold_names(session, collection.id)
        unused += await documents.remove_all(session, collection.id, removed)
        await queries.delete_collection(session, collection.id)
        await deletions.keep(
            session,
            collection.owner_id,
            "vector_store",
            collection.id,
            Removed(),  # told with the assistant's
            public_id=collection.public_id,
        )
    return unused
