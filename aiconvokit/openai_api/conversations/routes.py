"""`/v1/conversations`: what responses go on in."""

from typing import Any, Literal

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.chat.removal import remove_thread
from aiconvokit.chat.tables import API, Thread
from aiconvokit.ids import public_id
from aiconvokit.openai_api import repeats
from aiconvokit.openai_api.bodies import Metadata, read
from aiconvokit.openai_api.conversations.work import (
    PARTLY,
    ConversationOut,
    Items,
    add_items,
    own_conversation,
    show_conversation,
)
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.responses.asking import unknown_conversation
from aiconvokit.openai_api.responses.queries import CONVERSATION
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.threads import queries as threads_queries
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services


class NewConversation(JsonBody):
    """A new conversation, with what was said in it already."""

    items: Items | None = None
    metadata: Metadata | None = None


class ConversationUpdate(JsonBody):
    """What of a conversation can be changed."""

    metadata: Metadata | UnsetType | None = UNSET


class ConversationDeleted(Struct):
    """A conversation that is gone."""

    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


@post(
    "/conversations",
    status_code=200,
    operation_class=describe(NewConversation, errors=(404, *repeats.ERRORS)),
    partly=PARTLY,
)
async def create_conversation(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[ConversationOut]:
    """Make a conversation, empty or with what was said before."""
    wanted, attempt = await repeats.read(request, services, once, NewConversation)
    async with attempt, services.sessions.begin() as session:
        if (made := repeats.made(attempt)) is not None:
            thread = await own_conversation(session, user_id, made.id)
        else:
            thread = Thread(
                public_id=public_id(CONVERSATION),
                owner_id=user_id,
                origin=API,
                metadata_=wanted.metadata or {},
            )
            await threads_queries.insert(session, thread)
            await add_items(session, thread, wanted.items or [])
            await repeats.keep(attempt, session, Made(thread.public_id))
        shown = show_conversation(thread)
    return repeats.answer(attempt, shown)


@get("/conversations/{conversation_id:str}")
async def get_conversation(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
) -> ConversationOut:
    """One conversation."""
    return show_conversation(await own_conversation(session, user_id, conversation_id))


@post(
    "/conversations/{conversation_id:str}",
    status_code=200,
    operation_class=describe(ConversationUpdate),
)
async def change_conversation(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
) -> ConversationOut:
    """Replace what the owner keeps with a conversation."""
    async with services.sessions() as session:
        await own_conversation(session, user_id, conversation_id)
    wanted = await read(request, services, ConversationUpdate)
    async with services.sessions.begin() as session:
        thread = await own_conversation(session, user_id, conversation_id)
        if wanted.metadata is not UNSET:
            if await threads_queries.hold(session, thread.id) is None:
                raise unknown_conversation(conversation_id)
            await threads_queries.change(session, thread.id, {"metadata_": wanted.metadata or {}})
        return show_conversation(thread)


@delete("/conversations/{conversation_id:str}", status_code=200)
async def delete_conversation(
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
) -> ConversationDeleted:
    """Delete a conversation with its items, its responses and its chat."""
    removed = Removed()
    async with services.sessions.begin() as session:
        thread = await own_conversation(session, user_id, conversation_id)
        held = await threads_queries.hold(session, thread.id)
        await remove_thread(session, thread, removed)
        await deletions.keep(
            session, user_id, "thread", thread.id, removed, public_id=conversation_id
        )
    if held is not None and held.run_id is not None:
        await runs.cancel(held.run_id)  # nobody is left to read it
    return ConversationDeleted(conversation_id)


HANDLERS: list[Any] = [
    create_conversation,
    get_conversation,
    change_conversation,
    delete_conversation,
]
