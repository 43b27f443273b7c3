"""`/chat/`: a chat is begun and asked; its messages."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.idempotency import Attempt, Once
from aiconvokit.accounts.streams import answering
from aiconvokit.assistants import access
from aiconvokit.chat import queries
from aiconvokit.chat.answer import Event, run_turn, to_the_end
from aiconvokit.chat.chats import CHATS, chat_in, new_chat, own_chat
from aiconvokit.chat.html_wire import HTML, again_with_html, each_with_html, wants_html, with_html
from aiconvokit.chat.queries import BegunChat
from aiconvokit.chat.schemas import AnswerOut, Ask, ChatOut, MessageOut, NewChat, ReceiptOut
from aiconvokit.chat.show import failed, show_answer, show_message, told, told_again
from aiconvokit.chat.turn import Asked, Done
from aiconvokit.db import Transaction, in_transaction
from aiconvokit.errors import InvalidFields, NotFound
from aiconvokit.files.queries import ready_versions
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields
from aiconvokit.rest.openapi import EVENTS, MODEL_ERRORS, describe
from aiconvokit.rest.sse import EventStream, while_listening
from aiconvokit.rest.urls import chat_url
from aiconvokit.services import Services
from ingestion.store import driver_connection

T = TypeVar("T")


@post("/", operation_class=describe(NewChat, errors=(404, 409, 422)))
async def create_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[ChatOut]:
    """Begin a chat with an assistant, or go on with a thread as one."""
    body = await read_body(request, services.settings.limits)
    wanted = read_fields(body, NewChat)
    attempt = await once.take(body)
    if attempt.stored is not None:
        return attempt.stored.response()
    assistant_id = wanted.assistant_id
    async with attempt:
        if wanted.thread_id is None:
            async with in_transaction(services.pool) as transaction:
                chat = await new_chat(services, transaction, user_id, assistant_id)
                return await attempt.keep(
                    transaction, _show(request, chat), assistant_id=assistant_id
                )
        async with services.sessions.begin() as session:
            transaction = await driver_connection(session)
            await access.hold_to_ask(services, transaction, user_id, assistant_id)
            chat = await chat_in(session, user_id, assistant_id, wanted.thread_id)
            return await attempt.keep(transaction, _show(request, chat), assistant_id=assistant_id)


@put(
    "/{chat_id:int}/",
    operation_class=describe(Ask, errors=(409, *MODEL_ERRORS), events=True, query=HTML),
)
async def ask(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    chat_id: FromPath[int],
) -> Response[AnswerOut]:
    """Ask a question; the answer comes with the quotes it rests on, whole or piece by piece."""
    body = await read_body(request, services.settings.limits)
    try:
        wanted, html = read_fields(body, Ask), wants_html(request)
    except InvalidFields:
        async with services.sessions() as session:
            await own_chat(session, user_id, chat_id)  # that there is none is said first
        raise
    asked = Asked(user_id, chat_id, wanted.assistant_id, wanted.input)
    streams = wanted.stream or EVENTS in request.headers.get("accept", "")
    attempt = await once.take(body)
    if attempt.stored is not None:
        stored = await again_with_html(attempt.stored) if html else attempt.stored
        return EventStream(told_again(stored), failed) if streams else stored.response()
    events = _turn(request, services, asked, attempt)
    if not streams:
        done = await while_listening(request, to_the_end(events))
        shown = show_answer(request, asked, done)
        return Response(await with_html(shown) if html else shown)
    started = await while_listening(request, anext(events))
    return EventStream(told(request, asked, started, events, html=html), failed)


@get("/{chat_id:int}/messages/{message_id:str}/", operation_class=describe(query=HTML))
async def get_message(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
    message_id: FromPath[str],
) -> MessageOut:
    """One message, also one that was left before it was whole."""
    html = wants_html(request)
    async with services.sessions() as session:  # and none while HTML is drawn
        chat, thread = await own_chat(session, user_id, chat_id)
        found = await _message(queries.message_of, session, thread.id, message_id)
        cited = sorted({one["document_id"] for one in found.citations or []})
        versions = await ready_versions(session, cited)
        shown = show_message(request, found, chat.assistant_id, versions)
    return (await each_with_html([shown]))[0] if html else shown


@get("/{chat_id:int}/messages/{message_id:str}/receipt/")
async def get_receipt(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
    message_id: FromPath[str],
) -> ReceiptOut:
    """How an answer came about: what was found, what was sent, by whom it was written."""
    _, thread = await own_chat(session, user_id, chat_id)
    found = await _message(queries.receipt_of, session, thread.id, message_id)
    return msgspec.convert(found.content, ReceiptOut)


async def _turn(
    request: ApiRequest, services: Services, asked: Asked, attempt: Attempt
) -> AsyncGenerator[Event]:
    """A turn whose answer is kept for whoever sends the request again."""

    async def keep(transaction: Transaction, done: Done) -> None:
        shown = show_answer(request, asked, done)
        await attempt.keep(transaction, shown, assistant_id=asked.assistant_id, status=200)

    along = keep if attempt.has_key else None
    async with (
        attempt,
        answering(request, services, asked.user_id),
        aclosing(run_turn(services, asked, along)) as events,
    ):
        async for event in events:
            yield event


async def _message(
    find: Callable[[AsyncSession, int, str], Awaitable[T | None]],
    session: AsyncSession,
    thread_id: int,
    message_id: str,
) -> T:
    known = message_id.isascii() and message_id.isprintable()
    found = await find(session, thread_id, message_id) if known else None
    if found is None:
        raise NotFound.of("Message")
    return found


def _show(request: ApiRequest, chat: BegunChat) -> ChatOut:
    return ChatOut(chat.id, chat_url(request, chat.id), chat.thread_public_id)


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [create_chat, ask, get_message, get_receipt, *CHATS]
    return Router("/chat", route_handlers=handlers, guards=[require_user], tags=["chat"])
