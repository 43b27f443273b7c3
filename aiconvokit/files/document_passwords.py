"""Passwords of documents: kept as they are said, since they are needed again to draw a page.

They leave the database for the sandbox only, and go with the document.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import NotFound
from aiconvokit.files import document_password_queries, documents
from aiconvokit.services import Services
from ingestion.tables import Document


async def set_password(
    services: Services, session: AsyncSession, document: Document, password: str | None
) -> None:
    """Keep a document's password, None for none, and read it again where it stayed locked.

    One in work waits again by itself when it ends: see `store.fail`. `document` is as it is then.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    if not await document_password_queries.set_password(session, document.id, password):
        raise NotFound.of("Document")
    if password is not None and await document_password_queries.queue_locked(session, document.id):
        await documents.queue_ingestion(services, session, document.id)
    await session.refresh(document)
