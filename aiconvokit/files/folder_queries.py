"""What a folder is compared with, and followed by, when it is read into a collection."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from ingestion.attributes import Attributes, loaded
from ingestion.tables import Document

UNFINISHED = ("queued", "processing")


class Content(NamedTuple):
    """What a document is made of, and how far it is."""

    sha256: bytes
    status: str
    attributes: Attributes


async def contents_of(session: AsyncSession, collection_id: int) -> dict[str, Content]:
    """Filename -> what is there under it, for a whole collection."""
    rows = await session.execute(
        select(Document.filename, StoredFile.sha256, Document.status, Document.attributes)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id == collection_id)
    )
    return {name: Content(digest, status, loaded(held)) for name, digest, status, held in rows}


async def queue_again(session: AsyncSession, collection_id: int, filename: str) -> int:
    """Set a document that is not searchable back to its beginning; its id."""
    return (
        await session.scalars(
            update(Document)
            .where(Document.collection_id == collection_id, Document.filename == filename)
            .values(
                # It may have become searchable since the caller looked.
                status=case((Document.ready_version == Document.version, "ready"), else_="queued"),
                error_code=None,
                error_detail=None,
            )
            .returning(Document.id)
        )
    ).one()


class Unfinished(NamedTuple):
    """A document that waits to be read, or is read."""

    id: int
    is_in_work: bool
    error_code: str | None


async def unfinished_of(session: AsyncSession, collection_id: int) -> list[Unfinished]:
    """What a collection waits for; nothing more is read of it, since it may be many thousands."""
    rows = await session.execute(
        select(Document.id, Document.status == "processing", Document.error_code).where(
            Document.collection_id == collection_id, Document.status.in_(UNFINISHED)
        )
    )
    return [Unfinished(*row) for row in rows]


async def states_of(
    session: AsyncSession, collection_id: int, document_ids: Sequence[int]
) -> Sequence[Document]:
    """Some documents of a collection, oldest first."""
    return (
        await session.scalars(
            select(Document)
            .where(Document.collection_id == collection_id, Document.id.in_(document_ids))
            .order_by(Document.id)
        )
    ).all()
