"""What is done with vector stores and their files; each in the caller's transaction."""

from collections.abc import Sequence

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions, idempotency_store
from aiconvokit.accounts.deletions import Removed
from aiconvokit.errors import BadRequest
from aiconvokit.files import attachment_queries, documents, expiry, originals
from aiconvokit.files.attaching import Attachment, attach
from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.tables import FileBatch
from aiconvokit.openai_api.vector_stores import queries
from aiconvokit.openai_api.vector_stores.queries import StoreFile
from aiconvokit.openai_api.vector_stores.schemas import (
    NewVectorStore,
    VectorStoreUpdate,
    chunking_of,
)
from aiconvokit.services import Services
from ingestion.language_store import hold_collection
from ingestion.tables import Collection, Document


async def store(session: AsyncSession, user_id: int, store_id: str) -> Collection:
    """A user's own vector store.

    Raises:
        NotFound: there is none with that id for them.
    """
    return (await lookup.collections(session, user_id, [store_id]))[0]


def check_alive(collection: Collection) -> None:
    """Refuse a vector store that has expired.

    Raises:
        BadRequest: it has.
    """
    if expiry.is_expired(collection):
        raise BadRequest(
            f"The vector store '{collection.public_id}' has expired: it was not used for"
            f" {collection.expires_after_days} days.",
            code="vector_store_expired",
        )


async def make(
    services: Services, session: AsyncSession, user_id: int, wanted: NewVectorStore
) -> Collection:
    """A new vector store with the files that it is to have.

    Raises:
        InvalidFields: its chunking strategy cannot be.
        NotFound: one of the files is none of the user's.
    """
    chunking = chunking_of(wanted.chunking_strategy)
    files = await lookup.files(session, user_id, wanted.file_ids or [])
    collection = Collection(
        public_id=public_id("vs"),
        owner_id=user_id,
        name=wanted.name or "",
        metadata_=wanted.metadata or {},
        expires_after_days=wanted.expires_after.days if wanted.expires_after else None,
    )
    await queries.insert_store(session, collection)
    if files:
        new = [Attachment(file, chunking=chunking) for file in files]
        await attach(services, session, collection.id, new)
    return collection


async def change(
    session: AsyncSession, collection_id: int, wanted: VectorStoreUpdate
) -> Collection | None:
    """Change what is said of a vector store; None: it was deleted meanwhile."""
    collection = await hold_collection(session, collection_id)
    if collection is None:
        return None
    if wanted.name is not UNSET:
        collection.name = wanted.name or ""
    if wanted.metadata is not UNSET:
        collection.metadata_ = wanted.metadata or {}
    if wanted.expires_after is not UNSET:
        days = wanted.expires_after.days if wanted.expires_after else None
        collection.expires_after_days = days
        # From now on: else a store that was not searched for long would be gone at once.
        collection.last_active_at = await queries.now(session)
    await session.flush()
    return collection


async def remove(session: AsyncSession, collection: Collection, removed: Removed) -> list[bytes]:
    """Delete a vector store with what was made of its files; whoever reads it reads on without it.

    Returns:
        digests of contents for `documents.discard` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    await queries.hold_readers(session, collection.id)
    await attachment_queries.hold_names(session, collection.id)
    await _forget(session, [collection.id])
    unused = await documents.remove_all(session, collection.id, removed)
    if not await queries.delete_store(session, collection.id):
        raise lookup.unknown("vector store", collection.public_id)
    await deletions.keep(
        session,
        collection.owner_id,
        "vector_store",
        collection.id,
        removed,
        public_id=collection.public_id,
    )
    return unused


async def detach(
    session: AsyncSession, collection: Collection, file: StoredFile, removed: Removed
) -> list[bytes]:
    """Take a file out of a vector store.

    Returns:
        digests of contents for `documents.discard` AFTER the commit.

    Raises:
        NotFound: it is not in there.
    """
    held = await attachment_queries.hold_attached(session, collection.id, [file.id])
    if not held:
        raise lookup.unknown("file", file.public_id)
    await _forget(session, [collection.id])
    unused = await originals.remove_held(session, held, removed)
    await _keep_detached(session, collection.owner_id, file.public_id, held)
    return unused


async def remove_file(session: AsyncSession, file: StoredFile, removed: Removed) -> list[bytes]:
    """Delete a file, and what was made of it in all vector stores.

    Returns:
        digests of contents for `documents.discard` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    held, unused = await originals.remove(session, file, removed)
    if not removed.files:
        raise lookup.unknown("file", file.public_id)
    await _forget(session, {one.collection_id for one in held})
    await deletions.keep(session, file.owner_id, "file", file.id, removed, public_id=file.public_id)
    await _keep_detached(session, file.owner_id, file.public_id, held)
    return unused


async def _keep_detached(
    session: AsyncSession, user_id: int, file_id: str, gone: Sequence[Document]
) -> None:
    """Write down where a file was in lists: see `queries.Keys`."""
    stores = await queries.public_ids_of(session, {one.collection_id for one in gone})
    for document in gone:
        place = f"{stores[document.collection_id]}/{file_id}"
        told = Removed(documents=[document.id])
        await deletions.keep(session, user_id, "document", document.id, told, public_id=place)


async def _forget(session: AsyncSession, collection_ids: Sequence[int] | set[int]) -> None:
    """Forget kept answers of `/api/v1` that tell of documents in some collections."""
    for assistant_id in await queries.assistants_reading(session, collection_ids):
        await idempotency_store.forget(session, assistant_id)


async def file_in(session: AsyncSession, collection: Collection, file_id: str) -> StoreFile:
    """A file in a vector store.

    Raises:
        NotFound: it is not in there.
    """
    found = await queries.store_file(session, collection.id, file_id)
    if found is None:
        raise lookup.unknown("file", file_id)
    return found


async def make_batch(
    services: Services,
    session: AsyncSession,
    collection: Collection,
    wanted: Sequence[Attachment],
) -> FileBatch:
    """Attach files to a vector store with one call."""
    document_ids = await attach(services, session, collection.id, wanted) if wanted else []
    batch = FileBatch(public_id=public_id("vsfb"), collection_id=collection.id)
    await queries.insert_batch(session, batch, document_ids)
    return batch


async def batch_in(session: AsyncSession, collection: Collection, batch_id: str) -> FileBatch:
    """A batch of a vector store.

    Raises:
        NotFound: there is none with that id.
    """
    found = await queries.batch_by_id(session, collection.id, batch_id)
    if found is None:
        raise lookup.unknown("file batch", batch_id)
    return found


async def cancel_batch(session: AsyncSession, batch: FileBatch) -> None:
    """Take what of a batch is not read yet out of work."""
    # Documents before their batch, as deletions have it.
    await attachment_queries.cancel(session, await queries.batch_documents(session, batch.id))
    if not await queries.note_cancelled(session, batch.id):  # its store went meanwhile
        raise lookup.unknown("file batch", batch.public_id)
    await session.refresh(batch)
