"""`/v1/conversations/{id}/items`: what is said in a conversation, item by item."""

from typing import Annotated, Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.chat.queries import delete_message
from aiconvokit.chat.removal import remove_message
from aiconvokit.chat.tables import Message, Thread
from aiconvokit.errors import NotFound
from aiconvokit.openai_api import repeats
from aiconvokit.openai_api.conversations import queries
from aiconvokit.openai_api.conversations.work import (
    MOST_ITEMS,
    PARTLY,
    ConversationOut,
    add_items,
    hold_idle,
    own_conversation,
    show_conversation,
)
from aiconvokit.openai_api.cursors import CURSOR, Page, page, read_cursor
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.responses.body import INCLUDE
from aiconvokit.openai_api.responses.queries import items_of
from aiconvokit.openai_api.responses.schemas import ItemOut
from aiconvokit.openai_api.responses.show import show_items
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

_LIST = {**CURSOR, **INCLUDE}


class NewItems(JsonBody):
    """What is said besides."""

    items: Annotated[list[Any], Meta(min_length=1, max_length=MOST_ITEMS)]


@post(
    "/conversations/{conversation_id:str}/items",
    status_code=200,
    operation_class=describe(NewItems, query=INCLUDE, errors=repeats.ERRORS),
    partly=PARTLY,
)
async def create_items(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    conversation_id: FromPath[str],
) -> Response[Page[ItemOut]]:
    """Say something in a conversation; nobody answers until a response is asked for."""
    async with services.sessions() as session:
        await own_conversation(session, user_id, conversation_id)
    wanted, attempt = await repeats.read(request, services, once, NewItems)
    async with attempt, services.sessions.begin() as session:
        thread = await own_conversation(session, user_id, conversation_id)
        if (made := repeats.made(attempt)) is not None:
            added = await items_of(session, user_id, made.id.split())
        else:
            added = await add_items(session, thread, wanted.items)
            ids = " ".join(one.public_id for one in added)
            await repeats.keep(attempt, session, Made(ids, thread.public_id))
        shown = await show_items(session, added)
    return repeats.answer(attempt, page(shown, has_more=False))


@get("/conversations/{conversation_id:str}/items", operation_class=describe(query=_LIST))
async def list_items(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
) -> Page[ItemOut]:
    """What was said in a conversation, newest first; searches are told with responses."""
    wanted = read_cursor(request)
    thread = await own_conversation(session, user_id, conversation_id)
    found = await queries.page_of(session, user_id, thread.id, wanted)
    shown = await show_items(session, [row[0] for row in found.rows])
    return page(shown, has_more=found.has_more)


@get(
    "/conversations/{conversation_id:str}/items/{item_id:str}",
    operation_class=describe(query=INCLUDE),
)
async def get_item(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
    item_id: FromPath[str],
) -> ItemOut:
    """One item of a conversation."""
    thread = await own_conversation(session, user_id, conversation_id)
    return (await show_items(session, [await _item(session, thread, item_id)]))[0]


@delete("/conversations/{conversation_id:str}/items/{item_id:str}", status_code=200)
async def delete_item(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    conversation_id: FromPath[str],
    item_id: FromPath[str],
) -> ConversationOut:
    """Delete an item; with an answer go the calls of functions that it ended with."""
    removed = Removed()
    async with services.sessions.begin() as session:
        thread = await own_conversation(session, user_id, conversation_id)
        await hold_idle(session, thread)
        item = await _item(session, thread, item_id)
        for call in await items_of(session, user_id, await queries.calls_of(session, item.id)):
            await delete_message(session, thread.id, call.id)
            removed.messages += 1
        await remove_message(session, thread, item, removed)
        await deletions.keep(session, user_id, "message", item.id, removed, public_id=item_id)
        return show_conversation(thread)


async def _item(session: AsyncSession, thread: Thread, item_id: str) -> Message:
    found = await queries.item_in(session, thread.id, item_id)
    if found is None:
        raise NotFound(f"Item with id '{item_id}' not found.")
    return found


HANDLERS: list[Any] = [create_items, list_items, get_item, delete_item]
