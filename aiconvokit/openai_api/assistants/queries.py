"""Every statement on the assistants of `/v1`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants.tables import Assistant, AssistantCollection
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from ingestion.tables import Collection, Document


@dataclass(frozen=True, slots=True)
class Attached:
    """A collection that an assistant reads; the one at `position` 0 is its own."""

    id: int
    public_id: str
    position: int
    has_documents: bool


async def attached_to(
    session: AsyncSession, assistant_ids: Sequence[int]
) -> dict[int, list[Attached]]:
    """Assistant id -> what it reads, its own first; nothing for those that read nothing."""
    has_documents = exists().where(Document.collection_id == Collection.id)
    rows = await session.execute(
        select(
            AssistantCollection.assistant_id,
            Collection.id,
            Collection.public_id,
            AssistantCollection.position,
            has_documents,
        )
        .join(Collection, Collection.id == AssistantCollection.collection_id)
        .where(AssistantCollection.assistant_id.in_(assistant_ids))
        .order_by(AssistantCollection.position)
    )
    found: dict[int, list[Attached]] = {}
    for assistant_id, row_id, store_id, position, is_used in rows:
        attached = Attached(row_id, store_id, position, is_used)
        found.setdefault(assistant_id, []).append(attached)
    return found


async def page_of(
    session: AsyncSession, user_id: int, wanted: Cursor, *, shared: bool
) -> Listed[tuple[Assistant]]:
    """A page of the assistants that a user may ask."""
    statement = select(Assistant)
    if not shared:
        statement = statement.where(Assistant.owner_id == user_id)
    return await listed(
        session, user_id, statement, Keys(Assistant.id, Assistant.openai_id), wanted
    )


async def insert(session: AsyncSession, assistant: Assistant) -> None:
    """A new assistant, with no collection."""
    session.add(assistant)
    await session.flush()
    await session.refresh(assistant)


async def change(session: AsyncSession, assistant: Assistant, values: Mapping[str, Any]) -> None:
    """Change some columns of an assistant that is held; it is then as it is in the database."""
    await session.execute(
        update(Assistant)
        .where(Assistant.id == assistant.id)
        .values(**values, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
    await session.refresh(assistant)


async def hold_collections(session: AsyncSession, collection_ids: Sequence[int]) -> set[int]:
    """Which of some collections are there; they stay until the transaction ends."""
    held = (
        select(Collection.id)
        .where(Collection.id.in_(collection_ids))
        .order_by(Collection.id)
        .with_for_update(key_share=True, read=True)
    )
    return set((await session.scalars(held)).all())


async def attach(session: AsyncSession, assistant_id: int, collection_ids: Sequence[int]) -> None:
    """Replace what an assistant reads; its own collection stays its own if it is among it."""
    link = AssistantCollection
    own = await session.scalar(
        select(link.collection_id).where(link.assistant_id == assistant_id, link.position == 0)
    )
    await session.execute(
        delete(link)
        .where(link.assistant_id == assistant_id)
        .execution_options(synchronize_session=False)
    )
    others = [one for one in collection_ids if one != own]
    first = [own] if own in collection_ids else [None]
    for position, one in enumerate([*first, *others]):
        if one is not None:
            session.add(link(assistant_id=assistant_id, collection_id=one, position=position))
    await session.flush()
