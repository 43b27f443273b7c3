"""Statements on files of their own, and on their documents in collections."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, exists, func, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.acting import as_owner
from aiconvokit.files.tables import StoredFile
from ingestion.store import CANCELLED
from ingestion.tables import Collection, Document, StagedChunk

CANCELLED_DETAIL = "Reading it was cancelled."


async def hold_names(session: AsyncSession, collection_id: int) -> None:
    """Keep others from attaching files to a collection until the transaction ends.

    Whoever attaches picks names that are free, and whoever deletes a collection must see all that
    was attached to it. It is taken before the locks of contents and documents.
    """
    key = {"key": f"names:{collection_id}"}
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), key)


async def is_collection(session: AsyncSession, collection_id: int) -> bool:
    """Whether a collection is there, by what is committed now."""
    return bool(await session.scalar(select(exists().where(Collection.id == collection_id))))


async def hold_attached(
    session: AsyncSession, collection_id: int, file_ids: Sequence[int]
) -> Sequence[Document]:
    """A collection's documents of some files, as they are now, until the transaction ends."""
    wanted = select(Document).where(
        Document.collection_id == collection_id, Document.file_id.in_(file_ids)
    )
    return await _held(session, wanted)


async def hold_all_attached(session: AsyncSession, file_id: int) -> Sequence[Document]:
    """A file's documents in all collections, as they are now, until the transaction ends."""
    return await _held(session, select(Document).where(Document.file_id == file_id))


async def _held(session: AsyncSession, wanted: Select[Document]) -> Sequence[Document]:
    found = await session.scalars(
        wanted.order_by(Document.id)  # as deletions lock them
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def hold_files(session: AsyncSession, file_ids: Sequence[int]) -> set[int]:
    """Which of some files are there; they stay until the transaction ends."""
    held = (
        select(StoredFile.id)
        .where(StoredFile.id.in_(file_ids))
        .order_by(StoredFile.id)
        .with_for_update(key_share=True, read=True)
    )
    return set((await session.scalars(held)).all())


async def names_among(
    session: AsyncSession, collection_id: int, names: Sequence[str]
) -> Sequence[str]:
    """Which of some names a collection has."""
    return (
        await session.scalars(
            select(Document.filename).where(
                Document.collection_id == collection_id, Document.filename.in_(names)
            )
        )
    ).all()


async def names_beginning(
    session: AsyncSession, collection_id: int, beginning: str
) -> Sequence[str]:
    """A collection's names that begin alike."""
    return (
        await session.scalars(
            select(Document.filename).where(
                Document.collection_id == collection_id,
                func.starts_with(Document.filename, beginning),
            )
        )
    ).all()


async def insert_documents(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Make documents, but those whose name somebody else took; file id -> document id.

    All rows have the same keys.
    """
    if not rows:
        return {}
    made = insert(Document).on_conflict_do_nothing(
        index_elements=[Document.collection_id, Document.filename]
    )
    found = await session.execute(made.returning(Document.file_id, Document.id), rows)
    return {row[0]: row[1] for row in found}


async def read_again(
    session: AsyncSession, document_id: int, chunking: dict[str, int] | None
) -> None:
    """Make a document's passages anew, cut in another way: as a new version of it."""
    await session.execute(
        update(Document)
        .where(Document.id == document_id)
        .values(
            chunking=chunking or null(),
            version=Document.version + 1,
            status="queued",
            error_code=None,
            error_detail=None,
            updated_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )


async def retry(session: AsyncSession, document_id: int) -> None:
    """Set a document that failed back to its beginning."""
    await session.execute(
        update(Document)
        .where(Document.id == document_id)
        .values(status="queued", error_code=None, error_detail=None, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def label(session: AsyncSession, document_ids: Sequence[int], held: dict[str, Any]) -> None:
    """Replace the attributes of some documents."""
    await session.execute(
        update(Document)
        .where(Document.id.in_(document_ids))
        .values(attributes=held, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def cancel(session: AsyncSession, document_ids: Sequence[int]) -> None:
    """Take those of some documents that are not read yet out of work, with what is staged."""
    waiting = (
        select(Document.id)
        .where(Document.id.in_(document_ids), Document.status.in_(["queued", "processing"]))
        .order_by(Document.id)
        .with_for_update()
    )
    held = (await session.scalars(waiting)).all()
    await session.execute(
        update(Document)
        .where(Document.id.in_(held))
        .values(
            status="failed",
            error_code=CANCELLED,
            error_detail=CANCELLED_DETAIL,
            updated_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )
    async with as_owner(session):
        await session.execute(delete(StagedChunk).where(StagedChunk.document_id.in_(held)))


async def delete_file(session: AsyncSession, file_id: int) -> bytes | None:
    """Remove a file that no document uses any more; its digest, None when it is gone already."""
    return await session.scalar(
        delete(StoredFile).where(StoredFile.id == file_id).returning(StoredFile.sha256)
    )


_EXPIRED = text(
    """
    SELECT c.id FROM collection c
    WHERE c.expires_after_days IS NOT NULL
      AND c.last_active_at + make_interval(days => c.expires_after_days) < now()
      AND EXISTS (SELECT FROM document d WHERE d.collection_id = c.id)
    ORDER BY c.last_active_at LIMIT :most
    """
)


async def expired_collections(session: AsyncSession, most: int) -> Sequence[int]:
    """Some collections that have expired and still hold documents."""
    return (await session.scalars(_EXPIRED, {"most": most})).all()
