"""Statements of documents that need a password."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.store import LOCKED
from ingestion.tables import Document


async def password_of(session: AsyncSession, document_id: int) -> str | None:
    """What opens a document, where its owner said it."""
    return await session.scalar(select(Document.password).where(Document.id == document_id))


async def set_password(session: AsyncSession, document_id: int, password: str | None) -> bool:
    """Keep what opens a document, None for nothing; False when it is not there."""
    found = await session.scalar(
        update(Document)
        .where(Document.id == document_id)
        .values(password=password, updated_at=func.now())
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


async def queue_locked(session: AsyncSession, document_id: int) -> bool:
    """A document that was not opened waits again; False: others stay as they are."""
    found = await session.scalar(
        update(Document)
        .where(
            Document.id == document_id, Document.status == "failed", Document.error_code == LOCKED
        )
        .values(status="queued", error_code=None, error_detail=None)
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None
