"""What a folder is compared with, and followed by, when it is read into a collection."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import case, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from ingestion.attributes import Attributes, loaded
from ingestion.load import title_of
from ingestion.tables import Document

UNFINISHED = ("queued", "processing")


class Content(NamedTuple):
    """What a document is made of in its newest version, and how far it is."""

    document_id: int
    version: int
    sha256: bytes
    status: str
    attributes: Attributes

    @property
    def made_of(self) -> tuple[int, int, bytes]:
        """What only another upload changes: the document, its version and its content."""
        return (self.document_id, self.version, self.sha256)


async def contents_of(session: AsyncSession, collection_id: int) -> dict[str, Content]:
    """Filename -> what is there under it, for a whole collection."""
    rows = await session.execute(
        select(
            Document.filename,
            Document.id,
            Document.version,
            StoredFile.sha256,
            Document.status,
            Document.attributes,
        )
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id == collection_id)
    )
    return {
        name: Content(document_id, version, digest, status, loaded(held))
        for name, document_id, version, digest, status, held in rows
    }


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


async def rename(session: AsyncSession, held: Content, filename: str) -> bool:
    """Call a document something else, and let it be read again: a name is part of its passages.

    False when it changed meanwhile, or another one has that name.
    """
    statement = (
        update(Document)
        .where(Document.id == held.document_id, Document.version == held.version)
        .values(
            filename=filename,
            title=title_of(filename),
            version=Document.version + 1,
            status="queued",
            error_code=None,
            error_detail=None,
            updated_at=func.now(),
        )
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    )
    try:
        async with session.begin_nested():
            return await session.scalar(statement) is not None
    except IntegrityError:
        return False
