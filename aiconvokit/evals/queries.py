"""Every statement of the evaluation."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.tables import Document, PageText

PageTexts = dict[str, dict[int, str]]
"""Document name -> page -> text."""


async def page_texts(session: AsyncSession, collection_ids: Sequence[int]) -> PageTexts:
    """The searched text of all documents of some collections."""
    rows = await session.execute(
        select(Document.filename, PageText.number, PageText.text)
        .join(
            PageText,
            (PageText.document_id == Document.id) & (PageText.version == Document.ready_version),
        )
        .where(Document.collection_id.in_(collection_ids))
        .order_by(Document.id, PageText.number)
    )
    texts: PageTexts = {}
    for filename, number, text in rows:
        texts.setdefault(filename, {})[number] = text
    return texts
