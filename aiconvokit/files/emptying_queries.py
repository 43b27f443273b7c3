"""Statements on all documents of a collection at once: a few, however many documents there are.

What they do to one document is what the statements of `files.queries` do.
"""

from collections.abc import Sequence

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from ingestion.tables import Collection, Document, PageText

# Messages and receipts are named, not imported: the chat feature stands above this one. Each
# document is looked up in their indexes.
_CITED = text(
    """
    SELECT one.id FROM unnest(CAST(:ids AS bigint[])) AS one(id)
    WHERE EXISTS (
        SELECT FROM message m
        WHERE m.citations @> jsonb_build_array(jsonb_build_object('document_id', one.id)))
       OR EXISTS (SELECT FROM receipt r WHERE r.document_ids @> ARRAY[one.id])
    ORDER BY one.id
    """
)


async def cited_among(session: AsyncSession, document_ids: Sequence[int]) -> Sequence[int]:
    """Those of some documents whose words are in answers or receipts."""
    return (await session.scalars(_CITED, {"ids": list(document_ids)})).all()


async def sizes_of(session: AsyncSession, document_ids: Sequence[int]) -> tuple[int, int]:
    """How many passages and pages some documents have together; pages of all versions."""
    of_these = Document.id.in_(document_ids)
    passages = await session.scalar(select(func.sum(Document.chunk_count)).where(of_these))
    counted = select(func.count()).select_from(PageText)
    pages = await session.scalar(counted.where(PageText.document_id.in_(document_ids)))
    return int(passages or 0), int(pages or 0)


async def delete_documents(
    session: AsyncSession, collection_id: int, document_ids: Sequence[int]
) -> Sequence[int]:
    """Remove all documents of a collection, which are locked; ids of their files.

    The next document may be in another language.
    """
    gone = delete(Document).where(Document.id.in_(document_ids)).returning(Document.file_id)
    file_ids = (await session.scalars(gone)).all()
    await session.execute(
        update(Collection).where(Collection.id == collection_id).values(language=None)
    )
    return sorted(set(file_ids))


async def delete_files_if_unused(session: AsyncSession, file_ids: Sequence[int]) -> Sequence[bytes]:
    """Remove those of some files that came with documents and that none uses; their digests."""
    # Locked first: whoever makes a document of one right now is then seen by the next statement.
    await session.execute(
        select(StoredFile.id)
        .where(StoredFile.id.in_(file_ids))
        .order_by(StoredFile.id)
        .with_for_update()
    )
    used = exists().where(Document.file_id == StoredFile.id)
    gone = delete(StoredFile).where(
        StoredFile.id.in_(file_ids), StoredFile.purpose.is_(None), ~used
    )
    return (await session.scalars(gone.returning(StoredFile.sha256))).all()
