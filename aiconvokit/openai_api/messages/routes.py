"""`/v1/threads/{id}/messages`."""

from typing import Any, Literal

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.chat import queries as chat_queries
from aiconvokit.chat.removal import remove_message
from aiconvokit.chat.tables import Message, Thread
from aiconvokit.errors import InvalidFields
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.bodies import Metadata, read
from aiconvokit.openai_api.cursors import CURSOR, Page, page, read_cursor
from aiconvokit.openai_api.messages import queries
from aiconvokit.openai_api.messages.work import (
    MessageOut,
    NewMessage,
    add_messages,
    hold_finished,
    show_messages,
)
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.threads.routes import PARTLY
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.lists import query_value
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services
from ingestion.storable import why_unstorable

_LIST: dict[str, dict[str, Any]] = {**CURSOR, "run_id": {"type": "string"}}


class MessageUpdate(JsonBody):
    """What of a message can be changed."""

    metadata: Metadata | UnsetType | None = UNSET


class MessageDeleted(Struct):
    """A message that is gone."""

    id: str
    object: Literal["thread.message.deleted"] = "thread.message.deleted"
    deleted: Literal[True] = True


@post(
    "/threads/{thread_id:str}/messages",
    status_code=200,
    operation_class=describe(NewMessage, errors=(403, *repeats.ERRORS)),
    partly=PARTLY,
)
async def create_message(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    thread_id: FromPath[str],
) -> Response[MessageOut]:
    """Say something in a thread; nobody answers until a run is made."""
    async with services.sessions() as session:
        await lookup.thread(session, user_id, thread_id)
    wanted, attempt = await repeats.read(request, services, once, NewMessage)
    async with attempt, services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        if (made := repeats.made(attempt)) is not None:
            added = await _message(session, thread, made.id)
        else:
            (added,) = await add_messages(services, session, user_id, thread, [wanted])
            await repeats.keep(attempt, session, Made(added.public_id))
        shown = (await show_messages(session, thread, [added]))[0]
    return repeats.answer(attempt, shown)


@get("/threads/{thread_id:str}/messages", operation_class=describe(query=_LIST))
async def list_messages(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> Page[MessageOut]:
    """What was said in a thread, newest first; a run's alone with `run_id`."""
    wanted, run_id = read_cursor(request), query_value(request, "run_id")
    if why := why_unstorable(run_id or ""):
        raise InvalidFields({"run_id": [why]})
    thread = await lookup.thread(session, user_id, thread_id)
    found = await queries.page_of(session, user_id, thread.id, run_id or None, wanted)
    shown = await show_messages(session, thread, [row[0] for row in found.rows])
    return page(shown, has_more=found.has_more)


@get("/threads/{thread_id:str}/messages/{message_id:str}")
async def get_message(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    message_id: FromPath[str],
) -> MessageOut:
    """One message of a thread."""
    thread = await lookup.thread(session, user_id, thread_id)
    found = await _message(session, thread, message_id)
    return (await show_messages(session, thread, [found]))[0]


@post(
    "/threads/{thread_id:str}/messages/{message_id:str}",
    status_code=200,
    operation_class=describe(MessageUpdate),
)
async def change_message(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    message_id: FromPath[str],
) -> MessageOut:
    """Replace what the owner keeps with a message."""
    async with services.sessions() as session:
        await _message(session, await lookup.thread(session, user_id, thread_id), message_id)
    wanted = await read(request, services, MessageUpdate)
    async with services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        found = await _message(session, thread, message_id)
        if wanted.metadata is not UNSET:
            kept = await queries.set_metadata(session, found.id, wanted.metadata or {})
            if not kept:
                raise lookup.unknown("message", message_id)
        return (await show_messages(session, thread, [found]))[0]


@delete("/threads/{thread_id:str}/messages/{message_id:str}", status_code=200)
async def delete_message(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    message_id: FromPath[str],
) -> MessageDeleted:
    """Delete a message; an answer goes with the receipt of how it came about."""
    removed = Removed()
    async with services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        found = await _message(session, thread, message_id)
        await hold_finished(session, thread, found)
        await remove_message(session, thread, found, removed)
        await deletions.keep(session, user_id, "message", found.id, removed, public_id=message_id)
    return MessageDeleted(message_id)


async def _message(session: AsyncSession, thread: Thread, message_id: str) -> Message:
    found = await chat_queries.message_of(session, thread.id, message_id)
    if found is None:
        raise lookup.unknown("message", message_id)
    return found


HANDLERS: list[Any] = [
    create_message,
    list_messages,
    get_message,
    change_message,
    delete_message,
]
