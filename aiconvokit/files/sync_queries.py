"""Statements on the documents of a folder that a collection is kept in step with."""

from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from ingestion.load import title_of
from ingestion.tables import Document


class Held(NamedTuple):
    """A document as it is now; `sha256` is its newest content's."""

    document_id: int
    version: int
    sha256: bytes


async def held_in(session: AsyncSession, collection_id: int) -> dict[str, Held]:
    """Filename -> what is there under it, for a whole collection."""
    rows = await session.execute(
        select(Document.filename, Document.id, Document.version, StoredFile.sha256)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id == collection_id)
    )
    return {row[0]: Held(*row[1:]) for row in rows}


async def rename(session: AsyncSession, held: Held, filename: str) -> bool:
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
