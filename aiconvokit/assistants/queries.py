"""Every statement on assistants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, exists, func, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants.schemas import AssistantUpdate, NewAssistant
from aiconvokit.assistants.tables import Assistant, AssistantCollection
from aiconvokit.db import Transaction
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window
from ingestion.tables import Collection

Purpose = Literal["ask", "change", "delete"]


async def insert_assistant(session: AsyncSession, owner_id: int, wanted: NewAssistant) -> Assistant:
    """A new assistant with a collection of its own."""
    assistant = Assistant(
        openai_id=public_id("asst"),
        owner_id=owner_id,
        name=wanted.name,
        company_name=wanted.company_name,
        instructions=wanted.instructions,
    )
    collection = Collection(public_id=public_id("vs"), owner_id=owner_id, name=wanted.name)
    session.add_all([assistant, collection])
    await session.flush()
    session.add(
        AssistantCollection(assistant_id=assistant.id, collection_id=collection.id, position=0)
    )
    await session.flush()
    await session.refresh(assistant)
    return assistant


async def visible_assistants(
    session: AsyncSession, user_id: int, wanted: Window, *, shared: bool
) -> Sequence[Assistant]:
    """Assistants that a user may ask, oldest first; one more than asked for when there are more."""
    statement = select(Assistant).where(Assistant.id > (wanted.after or 0))
    if not shared:
        statement = statement.where(Assistant.owner_id == user_id)
    return (await session.scalars(statement.order_by(Assistant.id).limit(wanted.limit + 1))).all()


async def visible_assistant(
    session: AsyncSession, user_id: int, assistant_id: int, *, shared: bool
) -> Assistant | None:
    """One assistant that a user may ask."""
    statement = select(Assistant).where(Assistant.id == assistant_id)
    if not shared:
        statement = statement.where(Assistant.owner_id == user_id)
    return await session.scalar(statement)


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search needs of an assistant: its glossary, and its collections, its own first."""

    glossary: list[dict[str, Any]] | None
    collections: list[Collection]


_SEARCHED = """
SELECT a.glossary, c.id, c.space_id, c.language, c.chunk_count, c.indexed_space_id
FROM assistant a
LEFT JOIN assistant_collection l ON l.assistant_id = a.id
LEFT JOIN collection c ON c.id = l.collection_id
WHERE a.id = %(assistant)s AND (%(shared)s OR a.owner_id = %(user)s)
ORDER BY l.position
"""
_OF_COLLECTION = ("id", "space_id", "language", "chunk_count", "indexed_space_id")


def searched_collection(row: Sequence[Any]) -> Collection:
    """What a search needs of a collection, from a row in the order of `_SEARCHED`."""
    return Collection(**dict(zip(_OF_COLLECTION, row, strict=True)))


async def searched_assistant(
    transaction: Transaction, user_id: int, assistant_id: int, *, shared: bool
) -> Searched | None:
    """One assistant that a user may ask, as a search needs it."""
    keys = {"assistant": assistant_id, "user": user_id, "shared": shared}
    rows = await (await transaction.execute(_SEARCHED, keys)).fetchall()
    if not rows:
        return None
    return Searched(rows[0][0], [searched_collection(row[1:]) for row in rows if row[1]])


async def hold_assistant(session: AsyncSession, assistant_id: int, purpose: Purpose) -> bool:
    """Hold an assistant until the transaction ends; False when it was deleted meanwhile.

    Whoever adds something to it keeps it from being deleted, and whoever changes its documents
    does so alone.
    """
    found = await session.scalar(
        select(Assistant.id)
        .where(Assistant.id == assistant_id)
        .with_for_update(read=purpose == "ask", key_share=purpose != "delete")
    )
    return found is not None


async def update_assistant(
    session: AsyncSession, assistant_id: int, wanted: AssistantUpdate
) -> None:
    """Change the words of an assistant; `new_name` wins over `name`."""
    await session.execute(
        update(Assistant)
        .where(Assistant.id == assistant_id)
        .values(
            name=wanted.new_name or wanted.name,
            company_name=wanted.company_name,
            instructions=wanted.instructions,
            updated_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )


async def set_glossary(
    session: AsyncSession, assistant_id: int, glossary: list[dict[str, list[str]]] | None
) -> None:
    """Replace an assistant's glossary; None is the built-in one."""
    await session.execute(
        update(Assistant)
        .where(Assistant.id == assistant_id)
        .values(glossary=null() if glossary is None else glossary, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )


# By name: the chat feature stands above this one and may not be imported.
_CHATS = text(
    "SELECT c.id, c.thread_id, (SELECT count(*) FROM message m WHERE m.thread_id = c.thread_id)"
    " FROM chat c WHERE c.assistant_id = :id ORDER BY c.id"
)
_DELETE_THREADS = text("DELETE FROM thread WHERE id = ANY(:ids)")


async def delete_assistant(session: AsyncSession, assistant_id: int) -> tuple[list[int], int]:
    """Remove an assistant with its chats: their threads, and so their messages.

    Returns:
        ids of the chats, and the number of their messages.
    """
    chats = (await session.execute(_CHATS, {"id": assistant_id})).all()
    await session.execute(_DELETE_THREADS, {"ids": [row[1] for row in chats]})
    await session.execute(delete(Assistant).where(Assistant.id == assistant_id))
    return [row[0] for row in chats], sum(row[2] for row in chats)


async def assistants_of(session: AsyncSession, owner_id: int) -> Sequence[Assistant]:
    """All assistants of a user."""
    return (
        await session.scalars(
            select(Assistant).where(Assistant.owner_id == owner_id).order_by(Assistant.id)
        )
    ).all()


async def collections_of(session: AsyncSession, assistant_id: int) -> Sequence[Collection]:
    """The collections that an assistant reads, its own first."""
    return (
        await session.scalars(
            select(Collection)
            .join(AssistantCollection, AssistantCollection.collection_id == Collection.id)
            .where(AssistantCollection.assistant_id == assistant_id)
            .order_by(AssistantCollection.position)
        )
    ).all()


async def collections_by(session: AsyncSession, owner_id: int) -> Sequence[Collection]:
    """All collections of a user, whether an assistant reads them or not."""
    return (
        await session.scalars(
            select(Collection).where(Collection.owner_id == owner_id).order_by(Collection.id)
        )
    ).all()


async def own_collections(session: AsyncSession, assistant_ids: Sequence[int]) -> dict[int, int]:
    """Assistant id -> id of its own collection."""
    rows = await session.execute(
        select(AssistantCollection.assistant_id, AssistantCollection.collection_id).where(
            AssistantCollection.assistant_id.in_(assistant_ids), AssistantCollection.position == 0
        )
    )
    return {row[0]: row[1] for row in rows}


async def is_collection_shared(session: AsyncSession, collection_id: int) -> bool:
    """Whether any assistant reads a collection."""
    found = await session.scalar(
        select(exists().where(AssistantCollection.collection_id == collection_id))
    )
    return bool(found)


async def delete_collection(session: AsyncSession, collection_id: int) -> None:
    """Remove a collection whose documents are gone."""
    await session.execute(delete(Collection).where(Collection.id == collection_id))


async def assistant_by_name(session: AsyncSession, owner_id: int, name: str) -> Assistant | None:
    """A user's oldest assistant of that name."""
    return await session.scalar(
        select(Assistant)
        .where(Assistant.owner_id == owner_id, Assistant.name == name)
        .order_by(Assistant.id)
        .limit(1)
    )
