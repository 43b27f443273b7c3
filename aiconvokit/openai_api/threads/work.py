"""Threads on `/v1`: conversations that any assistant may answer in."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import API, Thread
from aiconvokit.errors import InvalidFields
from aiconvokit.ids import public_id
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.messages.work import NewMessage, add_messages
from aiconvokit.openai_api.threads import queries, vector_store
from aiconvokit.openai_api.tool_resources import (
    ResourcesOut,
    Searched,
    StoreIds,
    ThreadResources,
    stores_of,
)
from aiconvokit.rest.fields import JsonBody
from aiconvokit.services import Services

MAX_MESSAGES = 200
"""With which a thread is begun: more than any assistant reads again."""
MESSAGES = "messages"


class NewThread(JsonBody):
    """A new thread, with what was said in it already."""

    messages: Annotated[list[NewMessage], Meta(max_length=MAX_MESSAGES)] | None = None
    tool_resources: ThreadResources | None = None
    metadata: Metadata | None = None


class ThreadUpdate(JsonBody):
    """What of a thread can be changed."""

    tool_resources: ThreadResources | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class ThreadOut(Struct):
    """OpenAI's thread object."""

    id: str
    created_at: int
    metadata: dict[str, str]
    tool_resources: ResourcesOut
    object: Literal["thread"] = "thread"


class ThreadDeleted(Struct):
    """A thread that is gone."""

    id: str
    object: Literal["thread.deleted"] = "thread.deleted"
    deleted: Literal[True] = True


async def show_thread(session: AsyncSession, thread: Thread) -> ThreadOut:
    """A thread on the wire."""
    store_id = await queries.store_id_of(session, thread.collection_id)
    return ThreadOut(
        id=thread.public_id,
        created_at=seconds(thread.created_at),
        metadata=thread.metadata_,
        tool_resources=ResourcesOut(StoreIds([store_id] if store_id else [])),
    )


async def make(
    services: Services, session: AsyncSession, user_id: int, wanted: NewThread
) -> Thread:
    """Make a thread in the caller's transaction.

    Raises:
        NotFound: a vector store or a file is none of the user's.
        InvalidFields: a message, or what the tools are to work with, is not read here.
    """
    thread = Thread(
        public_id=public_id("thread"),
        owner_id=user_id,
        origin=API,
        metadata_=wanted.metadata or {},
    )
    await queries.insert(session, thread)
    if wanted.tool_resources is not None:
        await _set_store(services, session, thread, stores_of(wanted.tool_resources))
    if wanted.messages:
        await add_messages(services, session, user_id, thread, wanted.messages, within=MESSAGES)
    return thread


async def change(
    services: Services, session: AsyncSession, thread: Thread, wanted: ThreadUpdate
) -> None:
    """Change a thread in the caller's transaction.

    Raises:
        NotFound: it was deleted meanwhile, or a vector store or file is none of its owner's.
        InvalidFields: what the tools are to work with is not read here.
    """
    if await queries.hold(session, thread.id) is None:
        raise lookup.unknown("thread", thread.public_id)
    if wanted.metadata is not UNSET:
        await queries.change(session, thread.id, {"metadata_": wanted.metadata or {}})
    await _set_store(services, session, thread, stores_of(wanted.tool_resources))


async def _set_store(
    services: Services, session: AsyncSession, thread: Thread, stores: Searched | None
) -> None:
    """Let a thread read what a body names; None: it does not speak of it."""
    if stores is None:
        return
    named = await vector_store.named(
        services, session, thread.owner_id, stores, expires_after=vector_store.WEEK
    )
    if len(named) > 1:
        why = "a thread has one vector store: give an id, or have one made."
        raise InvalidFields({"tool_resources.file_search": [why]})
    collection_id = named[0].id if named else None
    await queries.change(session, thread.id, {"collection_id": collection_id})
