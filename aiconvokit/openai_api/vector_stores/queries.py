"""Statements on vector stores, their files, and batches of them."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    not_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from aiconvokit.assistants.tables import Assistant, AssistantCollection
from aiconvokit.chat.tables import Thread
from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from aiconvokit.openai_api.tables import FileBatch, FileBatchDocument
from aiconvokit.openai_api.vector_stores.schemas import FileCounts, Status
from ingestion.store import CANCELLED
from ingestion.tables import Collection, Document, PageText

_IS_CANCELLED = and_(
    Document.status == "failed", Document.error_code.is_not_distinct_from(CANCELLED)
)
_STANDS: dict[Status, ColumnElement[bool]] = {
    "in_progress": Document.status.in_(["queued", "processing"]),
    "completed": Document.status == "ready",
    "cancelled": _IS_CANCELLED,
    "failed": and_(Document.status == "failed", not_(_IS_CANCELLED)),
}

# One content under two names is two documents of one file; on this wire the first is meant. Sums,
# and no NOT EXISTS, so that only the index of files can be used: without statistics the planner
# takes that of collections, and looks through all of a collection for each of its documents.
_twin = aliased(Document)
_IS_FIRST = (
    select(func.count())
    .where(
        _twin.file_id == Document.file_id,
        _twin.collection_id + 0 == Document.collection_id,
        _twin.id + 0 < Document.id,
    )
    .correlate(Document)
    .scalar_subquery()
    == 0
)


class StoreFile(NamedTuple):
    """A document with the public id and the size of its file."""

    document: Document
    file_id: str
    size: int


class Usage(NamedTuple):
    """What a vector store holds."""

    counts: FileCounts
    used_bytes: int


_NOTHING = Usage(FileCounts(), 0)


async def insert_store(session: AsyncSession, collection: Collection) -> None:
    """A new vector store; `collection` has all its columns then."""
    session.add(collection)
    await session.flush()
    await session.refresh(collection)


async def stores_of(session: AsyncSession, user_id: int, wanted: Cursor) -> Listed[Collection]:
    """A page of a user's vector stores."""
    statement = select(Collection).where(Collection.owner_id == user_id)
    keys = Keys(Collection.id, Collection.public_id)
    found = await listed(session, user_id, statement, keys, wanted)
    return Listed([row[0] for row in found.rows], found.has_more)


async def now(session: AsyncSession) -> Any:
    """When the transaction began, by the database's clock."""
    return await session.scalar(select(func.now()))


def _counts() -> list[ColumnElement[int]]:
    return [
        *(func.count(case((stands, 1))) for stands in _STANDS.values()),
        func.count(Document.id),
    ]


def _counted(numbers: Sequence[int]) -> FileCounts:
    return FileCounts(**dict(zip((*_STANDS, "total"), numbers, strict=True)))


async def usage_of(session: AsyncSession, collection_ids: Several[int]) -> dict[int, Usage]:
    """Collection id -> what it holds, for each of them."""
    used = func.coalesce(func.sum(StoredFile.size).filter(Document.ready_version.is_not(None)), 0)
    rows = await session.execute(
        select(Document.collection_id, *_counts(), used)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id.in_(collection_ids), _IS_FIRST)
        .group_by(Document.collection_id)
    )
    found = {row[0]: Usage(_counted(row[1:-1]), int(row[-1])) for row in rows}
    return {one: found.get(one, _NOTHING) for one in collection_ids}


def _files(collection_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Document, StoredFile.public_id, StoredFile.size)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id == collection_id, _IS_FIRST)
    )


async def store_files(
    session: AsyncSession, collection: Collection, status: Status | None, wanted: Cursor
) -> Listed[StoreFile]:
    """A page of the files in a vector store; all, or those that stand in one way."""
    return await _listed(session, collection, _files(collection.id), status, wanted)


async def batch_files(
    session: AsyncSession,
    collection: Collection,
    batch_id: int,
    status: Status | None,
    wanted: Cursor,
) -> Listed[StoreFile]:
    """A page of the files of a batch."""
    statement = _files(collection.id).join(
        FileBatchDocument,
        and_(FileBatchDocument.document_id == Document.id, FileBatchDocument.batch_id == batch_id),
    )
    return await _listed(session, collection, statement, status, wanted)


async def _listed(
    session: AsyncSession,
    collection: Collection,
    statement: Select[*tuple[Any, ...]],
    status: Status | None,
    wanted: Cursor,
) -> Listed[StoreFile]:
    keys = Keys(Document.id, StoredFile.public_id, within=f"{collection.public_id}/")
    only = None if status is None else _STANDS[status]
    found = await listed(session, collection.owner_id, statement, keys, wanted, only)
    return Listed([StoreFile(*row) for row in found.rows], found.has_more)


async def store_file(session: AsyncSession, collection_id: int, file_id: str) -> StoreFile | None:
    """One file in a vector store by its public id, as it is now."""
    statement = _files(collection_id).where(StoredFile.public_id == file_id)
    fresh = statement.execution_options(populate_existing=True)
    row = (await session.execute(fresh)).one_or_none()
    return StoreFile(*row) if row else None


async def texts_of(session: AsyncSession, document: Document) -> Sequence[str]:
    """What was read of a document, page by page."""
    return (
        await session.scalars(
            select(PageText.text)
            .where(PageText.document_id == document.id, PageText.version == document.ready_version)
            .order_by(PageText.number)
        )
    ).all()


async def insert_batch(
    session: AsyncSession, batch: FileBatch, document_ids: Sequence[int]
) -> None:
    """A new batch of some documents."""
    session.add(batch)
    await session.flush()
    rows = [{"batch_id": batch.id, "document_id": one} for one in document_ids]
    if rows:
        await session.execute(insert(FileBatchDocument), rows)
    await session.refresh(batch)


async def batch_by_id(
    session: AsyncSession, collection_id: int, public_id: str
) -> FileBatch | None:
    """One batch of a vector store."""
    return await session.scalar(
        select(FileBatch).where(
            FileBatch.public_id == public_id, FileBatch.collection_id == collection_id
        )
    )


async def batch_counts(session: AsyncSession, batch_id: int) -> FileCounts:
    """How the files of a batch stand."""
    rows = await session.execute(
        select(*_counts())
        .select_from(FileBatchDocument)
        .join(Document, Document.id == FileBatchDocument.document_id)
        .where(FileBatchDocument.batch_id == batch_id)
    )
    return _counted(rows.one())


async def batch_documents(session: AsyncSession, batch_id: int) -> Sequence[int]:
    """Ids of the documents of a batch."""
    return (
        await session.scalars(
            select(FileBatchDocument.document_id).where(FileBatchDocument.batch_id == batch_id)
        )
    ).all()


async def hold_readers(session: AsyncSession, collection_id: int) -> None:
    """Hold the assistants and the threads that read a vector store, as whoever uploads does."""
    read = select(AssistantCollection.assistant_id).where(
        AssistantCollection.collection_id == collection_id
    )
    await session.execute(
        select(Assistant.id).where(Assistant.id.in_(read)).order_by(Assistant.id).with_for_update()
    )
    await session.execute(
        select(Thread.id)
        .where(Thread.collection_id == collection_id)
        .order_by(Thread.id)
        .with_for_update()
    )


async def assistants_reading(session: AsyncSession, collection_ids: Several[int]) -> Sequence[int]:
    """Ids of the assistants that read some collections."""
    return (
        await session.scalars(
            select(AssistantCollection.assistant_id)
            .where(AssistantCollection.collection_id.in_(collection_ids))
            .distinct()
        )
    ).all()


async def public_ids_of(session: AsyncSession, collection_ids: Several[int]) -> dict[int, str]:
    """Collection id -> its public one."""
    rows = await session.execute(
        select(Collection.id, Collection.public_id).where(Collection.id.in_(collection_ids))
    )
    return {row[0]: row[1] for row in rows}


async def delete_store(session: AsyncSession, collection_id: int) -> bool:
    """Remove a vector store whose documents are gone; False: somebody else was faster."""
    gone = delete(Collection).where(Collection.id == collection_id).returning(Collection.id)
    return await session.scalar(gone) is not None


class Labels(NamedTuple):
    """What a search result says of its document."""

    file_id: str
    attributes: dict[str, Any]


async def labels_of(session: AsyncSession, document_ids: Several[int]) -> dict[int, Labels]:
    """Document id -> what it is labelled with, for those that are there."""
    rows = await session.execute(
        select(Document.id, StoredFile.public_id, Document.attributes)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.id.in_(document_ids))
    )
    return {row[0]: Labels(row[1], row[2]) for row in rows}


async def note_cancelled(session: AsyncSession, batch_id: int) -> bool:
    """Write down that a batch was cancelled, if it was not yet; False: it is gone."""
    held = await session.execute(
        update(FileBatch)
        .where(FileBatch.id == batch_id)
        .values(cancelled_at=func.coalesce(FileBatch.cancelled_at, func.now()))
        .returning(FileBatch.id)
        .execution_options(synchronize_session=False)
    )
    return held.scalar() is not None
