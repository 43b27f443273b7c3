"""Every statement on files and documents."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Row, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window
from aiconvokit.storage import Stored
from ingestion.tables import Document, PageText

DocumentRow = Row[Document, int]
"""A document and its file's size in bytes."""


async def upsert_file(
    session: AsyncSession, owner_id: int, stored: Stored, filename: str, media_type: str
) -> int:
    """The id of an owner's file of that content."""
    statement = (
        insert(StoredFile)
        .values(
            public_id=public_id("file"),
            owner_id=owner_id,
            sha256=stored.sha256,
            size=stored.size,
            filename=filename,
            media_type=media_type,
        )
        .on_conflict_do_update(
            index_elements=[StoredFile.owner_id, StoredFile.sha256],
            set_={"filename": filename},
        )
        .returning(StoredFile.id)
    )
    return cast("int", await session.scalar(statement))


async def upsert_document(
    session: AsyncSession, collection_id: int, file_id: int, named: Document
) -> int | None:
    """Put a file into a collection under its name.

    A new name is a new document, a known name with other content a new version.

    Returns:
        the id of the document to ingest, or None when that very content is there already.
    """
    values = {
        "filename": named.filename,
        "media_type": named.media_type,
        "title": named.title,
        "file_id": file_id,
    }
    new = insert(Document).values(public_id=public_id("doc"), collection_id=collection_id, **values)
    return await session.scalar(
        new.on_conflict_do_update(
            index_elements=[Document.collection_id, Document.filename],
            set_={
                **values,
                "version": Document.version + 1,
                "status": "queued",
                "error_code": None,
                "error_detail": None,
                "updated_at": func.now(),
            },
            where=Document.file_id != file_id,
        ).returning(Document.id)
    )


async def documents_of(
    session: AsyncSession, collection_ids: Sequence[int], wanted: Window | None = None
) -> Sequence[DocumentRow]:
    """Documents of some collections, oldest first; all, or one more than the window."""
    statement = (
        select(Document, StoredFile.size)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id.in_(collection_ids))
        .order_by(Document.id)
    )
    if wanted is not None:
        statement = statement.where(Document.id > (wanted.after or 0)).limit(wanted.limit + 1)
    return (await session.execute(statement)).all()


async def document_in(
    session: AsyncSession, collection_ids: Sequence[int], document_id: int
) -> DocumentRow | None:
    """One document of some collections with its size."""
    return (
        await session.execute(
            select(Document, StoredFile.size)
            .join(StoredFile, StoredFile.id == Document.file_id)
            .where(Document.collection_id.in_(collection_ids), Document.id == document_id)
        )
    ).one_or_none()


async def page_text(
    session: AsyncSession, document_id: int, version: int, number: int
) -> PageText | None:
    """One page of one version."""
    return await session.get(PageText, (document_id, version, number))


async def file_by_id(session: AsyncSession, file_id: int) -> StoredFile | None:
    """A stored file's row."""
    return await session.get(StoredFile, file_id)


async def delete_document(session: AsyncSession, document_id: int) -> None:
    """Remove the row; pages, passages and stage go with it."""
    await session.execute(delete(Document).where(Document.id == document_id))


async def delete_file_if_unused(session: AsyncSession, file_id: int) -> bytes | None:
    """Remove a file that no document uses; its digest when no other owner has that content."""
    used = exists().where(Document.file_id == StoredFile.id)
    digest = await session.scalar(
        delete(StoredFile).where(StoredFile.id == file_id, ~used).returning(StoredFile.sha256)
    )
    if digest is None:
        return None
    # The lock makes a concurrent upload of the same content wait, or us see its row.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": digest.hex()}
    )
    others = await session.scalar(select(exists().where(StoredFile.sha256 == digest)))
    return None if others else digest


async def ready_versions(
    session: AsyncSession, document_ids: Sequence[int]
) -> dict[int, int | None]:
    """Document id -> the version that is searched now."""
    rows = await session.execute(
        select(Document.id, Document.ready_version).where(Document.id.in_(document_ids))
    )
    return dict(rows.tuples().all())
