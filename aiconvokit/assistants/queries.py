"""Every statement on assistants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import TextClause, delete, exists, func, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.acting import as_owner
from aiconvokit.assistants.schemas import AssistantUpdate, NewAssistant
from aiconvokit.assistants.tables import Assistant, AssistantCollection
from aiconvokit.db import Transaction
from aiconvokit.errors import NotFound
from aiconvokit.files.expiry_queries import IS_ALIVE
from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window
from aiconvokit.retrieval.types import SearchedCollection
from ingestion.tables import Collection, Document

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
    session.add(assistant)
    await session.flush()
    await _make_own(session, assistant)
    await session.refresh(assistant)
    return assistant


async def _make_own(session: AsyncSession, assistant: Assistant) -> Collection:
    collection = Collection(
        public_id=public_id("vs"), owner_id=assistant.owner_id, name=assistant.name
    )
    session.add(collection)
    await session.flush()
    session.add(
        AssistantCollection(assistant_id=assistant.id, collection_id=collection.id, position=0)
    )
    await session.flush()
    return collection


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
    collections: list[SearchedCollection]


_SEARCHED = f"""
SELECT a.glossary, c.id, c.space_id, c.language, c.chunk_count, c.indexed_space_id
FROM assistant a
LEFT JOIN assistant_collection l ON l.assistant_id = a.id
LEFT JOIN collection c ON c.id = l.collection_id AND {IS_ALIVE}
WHERE a.id = %(assistant)s AND (%(shared)s OR a.owner_id = %(user)s)
ORDER BY l.position
"""  # noqa: S608  # ours, above


async def searched_assistant(
    transaction: Transaction, user_id: int, assistant_id: int, *, shared: bool
) -> Searched | None:
    """One assistant that a user may ask, as a search needs it."""
    keys = {"assistant": assistant_id, "user": user_id, "shared": shared}
    rows = await (await transaction.execute(_SEARCHED, keys)).fetchall()
    if not rows:
        return None
    return Searched(rows[0][0], [SearchedCollection(*row[1:]) for row in rows if row[1]])


_HOLD_TO_ASK = """
SELECT id FROM assistant WHERE id = %(assistant)s AND (%(shared)s OR owner_id = %(user)s)
FOR KEY SHARE
"""


async def hold_to_ask(
    transaction: Transaction, user_id: int, assistant_id: int, *, shared: bool
) -> bool:
    """Keep an assistant that a user may ask until the transaction ends; False: there is none."""
    keys = {"assistant": assistant_id, "user": user_id, "shared": shared}
    return await (await transaction.execute(_HOLD_TO_ASK, keys)).fetchone() is not None


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
    return await _delete(session, assistant_id, _CHATS)


# What visitors of a web site said goes with their widget: nobody could read it any more.
_VISITORS_CHATS = text(
    "SELECT c.id, c.thread_id, (SELECT count(*) FROM message m WHERE m.thread_id = c.thread_id)"
    " FROM chat c JOIN thread t ON t.id = c.thread_id"
    " WHERE c.assistant_id = :id AND t.origin = 'widget' ORDER BY c.id"
)


async def delete_assistant_alone(session: AsyncSession, assistant_id: int) -> tuple[list[int], int]:
    """Remove an assistant and leave the threads of its chats, but those of visitors.

    Returns:
        ids of the visitors' chats, and the number of their messages.
    """
    return await _delete(session, assistant_id, _VISITORS_CHATS)


async def _delete(
    session: AsyncSession, assistant_id: int, found: TextClause
) -> tuple[list[int], int]:
    """Remove an assistant and the threads of some chats with it."""
    async with as_owner(session):  # others may have asked it
        chats = (await session.execute(found, {"id": assistant_id})).all()
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


async def own_collection(session: AsyncSession, assistant_id: int) -> Collection:
    """An assistant's own collection, where uploads go; made when it has none.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    found = await find_own_collection(session, assistant_id)
    if found is None:
        assistant = await session.scalar(
            select(Assistant).where(Assistant.id == assistant_id).with_for_update(key_share=True)
        )
        if assistant is None:
            raise NotFound.of("Assistant")
        # Somebody else may have made it until the lock was there.
        found = await find_own_collection(session, assistant_id) or await _make_own(
            session, assistant
        )
    return found


async def find_own_collection(session: AsyncSession, assistant_id: int) -> Collection | None:
    """An assistant's own collection; None when nothing was uploaded to it yet."""
    return await session.scalar(
        select(Collection)
        .join(AssistantCollection, AssistantCollection.collection_id == Collection.id)
        .where(AssistantCollection.assistant_id == assistant_id, AssistantCollection.position == 0)
    )


# What a thread brings is cited in its chat as if the assistant had read it always; so is what
# other assistants read that answered in it. By name: runs are of a feature above this one.
_CITABLE = text(
    """
    SELECT l.collection_id FROM assistant_collection l WHERE l.assistant_id = :id
    UNION
    SELECT t.collection_id FROM chat c JOIN thread t ON t.id = c.thread_id
    WHERE c.assistant_id = :id AND t.owner_id = :user AND t.collection_id IS NOT NULL
    UNION
    SELECT l.collection_id FROM chat c JOIN thread t ON t.id = c.thread_id
    JOIN run r ON r.thread_id = t.id
    JOIN assistant b ON b.openai_id = r.assistant_id AND (b.owner_id = :user OR :shared)
    JOIN assistant_collection l ON l.assistant_id = b.id
    WHERE c.assistant_id = :id AND t.owner_id = :user
    """
)


async def citable_ids(
    session: AsyncSession, user_id: int, assistant_id: int, *, shared: bool
) -> Sequence[int]:
    """Ids of what is read in any of a user's chats with an assistant."""
    keys = {"id": assistant_id, "user": user_id, "shared": shared}
    return (await session.scalars(_CITABLE, keys)).all()


# Its tools are as they were named on `/v1`, without the search; where none were named, that is one.
_READ_UPLOADS = text(
    """
    UPDATE assistant SET searches = true, updated_at = now(), options =
        CASE WHEN options ? 'tools' THEN jsonb_set(
            options, '{tools}', (options -> 'tools') || '[{"type": "file_search"}]')
        ELSE options END
    WHERE id = :id AND NOT searches
    """
)


async def read_uploads(session: AsyncSession, assistant_id: int) -> None:
    """Let an assistant that was made without a search find what is uploaded to it."""
    await session.execute(_READ_UPLOADS, {"id": assistant_id})


async def place_of(session: AsyncSession, document: Document) -> str | None:
    """Where a document stands in the lists of `/v1`: "vs_…/file_…"; None when it is gone."""
    return await session.scalar(
        select(Collection.public_id + "/" + StoredFile.public_id)
        .select_from(Collection)
        .join(StoredFile, StoredFile.id == document.file_id)
        .where(Collection.id == document.collection_id)
    )


async def collections_by(session: AsyncSession, owner_id: int) -> Sequence[Collection]:
    """All collections of a user, whether an assistant reads them or not."""
    return (
        await session.scalars(
            select(Collection).where(Collection.owner_id == owner_id).order_by(Collection.id)
        )
    ).all()


async def collection_ids_of(
    session: AsyncSession, assistant_ids: Sequence[int]
) -> dict[int, list[int]]:
    """Assistant id -> ids of the collections that it reads, for those that read any."""
    rows = await session.execute(
        select(AssistantCollection.assistant_id, AssistantCollection.collection_id)
        .where(AssistantCollection.assistant_id.in_(assistant_ids))
        .order_by(AssistantCollection.position)
    )
    found: dict[int, list[int]] = {}
    for assistant_id, collection_id in rows:
        found.setdefault(assistant_id, []).append(collection_id)
    return found


async def is_collection_shared(session: AsyncSession, collection_id: int) -> bool:
    """Whether any assistant reads a collection."""
    found = await session.scalar(
        select(exists().where(AssistantCollection.collection_id == collection_id))
    )
    return bool(found)


_LEAVE_THREADS = text("UPDATE thread SET collection_id = NULL WHERE collection_id = :id")


async def leave_threads(session: AsyncSession, collection_id: int) -> None:
    """Let no thread read a collection any more."""
    await session.execute(_LEAVE_THREADS, {"id": collection_id})


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
