"""`/chat/`: the documented calls, and one's own chats."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.auth import require_user
from aiconvokit.assistants import access
from aiconvokit.chat import queries
from aiconvokit.chat.answer import run_turn
from aiconvokit.chat.queries import ChatRow
from aiconvokit.chat.schemas import (
    AnswerOut,
    Ask,
    ChatDetail,
    ChatOut,
    CitationOut,
    ClaimOut,
    MessageOut,
    NewChat,
    ReceiptOut,
)
from aiconvokit.chat.tables import Message
from aiconvokit.chat.turn import Done, stored_citation
from aiconvokit.errors import AIConvoKitError, InvalidFields, NotFound
from aiconvokit.files.queries import ready_versions
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields, stamp
from aiconvokit.rest.lists import MAX_ID, answer, next_link, window
from aiconvokit.rest.openapi import LIST, MODEL_ERRORS, describe
from aiconvokit.rest.urls import chat_url, page_url
from aiconvokit.services import Services

OTHER_ASSISTANT = "This chat belongs to another assistant."


@post("/", operation_class=describe(NewChat, errors=(404,)))
async def create_chat(
    request: ApiRequest, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> ChatOut:
    """Begin a chat with an assistant."""
    body = await read_body(request, services.settings.limits)
    wanted = read_fields(body, NewChat)
    async with services.sessions.begin() as session:
        assistant = await access.to_ask(services, session, user_id, wanted.assistant_id)
        await access.hold(session, assistant.id, "ask")
        row = await queries.insert_chat(session, user_id, assistant.id)
    return _show(request, row)


@get("/", operation_class=describe(query=LIST))
async def list_chats(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[ChatOut]]:
    """One's own chats, newest first."""
    wanted = window(request)
    rows = await queries.chats_of(session, user_id, wanted)
    return answer(request, rows, lambda row: _show(request, row), wanted)


@get("/{chat_id:int}/", operation_class=describe(query=LIST))
async def get_chat(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> Response[ChatDetail]:
    """A chat with its messages, oldest first; a long one goes on where `Link` says."""
    wanted = window(request)
    chat, thread = await _own_chat(session, user_id, chat_id)
    found = await queries.messages_of(session, thread.id, wanted)
    messages = found[: wanted.limit]
    cited = {one["document_id"] for message in messages for one in message.citations or []}
    versions = await ready_versions(session, sorted(cited))
    detail = ChatDetail(
        id=chat.id,
        absolute_url=chat_url(request, chat.id),
        thread_id=thread.public_id,
        assistant_id=chat.assistant_id,
        created_at=stamp(chat.created_at),
        messages=[
            _show_message(request, message, chat.assistant_id, versions) for message in messages
        ],
    )
    more = len(found) > len(messages)
    headers = next_link(request, wanted, messages[-1].id) if more else {}
    return Response(detail, headers=headers)


@put("/{chat_id:int}/", operation_class=describe(Ask, errors=(409, *MODEL_ERRORS)))
async def ask(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> AnswerOut:
    """Ask a question; the answer comes with the quotes it rests on."""
    async with services.sessions.begin() as session:
        row = await _own_chat(session, user_id, chat_id)
        # The server may have stopped sharing assistants since the chat began.
        await access.to_ask(services, session, user_id, row[0].assistant_id)
    body = await read_body(request, services.settings.limits)
    wanted = read_fields(body, Ask)
    if wanted.assistant_id != row[0].assistant_id:
        raise InvalidFields({"assistant_id": [OTHER_ASSISTANT]})
    done = await _last(services, row, wanted.input)
    cited = [stored_citation(one) for one in done.citations]
    current = {one["document_id"]: one["version"] for one in cited}
    return AnswerOut(
        **msgspec.structs.asdict(_show(request, row)),
        input=wanted.input,
        output=done.output,
        citations=_show_citations(request, cited, row[0].assistant_id, current),
        claims=_show_claims(done.claims),
        message_id=done.message_id,
        model=done.model,
        usage=done.usage,
        finish_reason=done.finish_reason,
    )


@get("/{chat_id:int}/messages/{message_id:str}/receipt/")
async def get_receipt(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
    message_id: FromPath[str],
) -> ReceiptOut:
    """How an answer came about: what was found, what was sent, by whom it was written."""
    _, thread = await _own_chat(session, user_id, chat_id)
    known = message_id.isascii() and message_id.isprintable()
    found = await queries.receipt_of(session, thread.id, message_id) if known else None
    if found is None:
        raise NotFound.of("Message")
    return msgspec.convert(found.content, ReceiptOut)


@delete("/{chat_id:int}/")
async def delete_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> Response[None]:
    """Delete a chat with its messages."""
    async with services.sessions.begin() as session:
        _, thread = await _own_chat(session, user_id, chat_id)
        messages = await queries.delete_thread(session, thread.id)
        removed = deletions.Removed(chats=[chat_id], messages=messages)
        deletion = await deletions.keep(session, user_id, "chat", chat_id, removed)
    return deletions.answer(request, deletion)


async def _last(services: Services, row: ChatRow, question: str) -> Done:
    """Run a turn to its end."""
    async with aclosing(run_turn(services, row, question)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event
    raise AIConvoKitError


async def _own_chat(session: AsyncSession, user_id: int, chat_id: int) -> ChatRow:
    known = 0 <= chat_id <= MAX_ID
    row = await queries.chat_of(session, user_id, chat_id) if known else None
    if row is None:
        raise NotFound.of("Chat")
    return row


def _show(request: ApiRequest, row: ChatRow) -> ChatOut:
    chat, thread = row
    return ChatOut(chat.id, chat_url(request, chat.id), thread.public_id)


def _show_message(
    request: ApiRequest, message: Message, assistant_id: int, versions: Mapping[int, int | None]
) -> MessageOut:
    return MessageOut(
        id=message.public_id,
        role=message.role,
        status=message.status,
        content=message.content,
        created_at=stamp(message.created_at),
        model=message.model,
        finish_reason=message.finish_reason,
        error=message.error_code,
        usage=message.usage,
        citations=_show_citations(request, message.citations or [], assistant_id, versions),
        claims=_show_claims(message.claims or []),
    )


def _show_citations(
    request: ApiRequest,
    stored: Sequence[Mapping[str, Any]],
    assistant_id: int,
    versions: Mapping[int, int | None],
) -> list[CitationOut]:
    """Citations with addresses; `stale` when the document has a newer version, or is gone."""
    return [
        CitationOut(
            **one,
            stale=versions.get(one["document_id"]) != one["version"],
            url=page_url(request, assistant_id, one["document_id"], one["page"]),
        )
        for one in stored
    ]


def _show_claims(stored: Sequence[Mapping[str, Any]]) -> list[ClaimOut]:
    return [ClaimOut(**one) for one in stored]


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [create_chat, list_chats, get_chat, ask, get_receipt, delete_chat]
    return Router("/chat", route_handlers=handlers, guards=[require_user], tags=["chat"])
