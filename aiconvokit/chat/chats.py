"""One's own chats: listed, searched, read, called something, written out, deleted."""

from dataclasses import replace
from typing import Any

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.assistants import access
from aiconvokit.chat import export, queries
from aiconvokit.chat.html_wire import HTML, each_with_html, wants_html
from aiconvokit.chat.queries import BegunChat, ChatPage, ChatRow, ListedChat
from aiconvokit.chat.removal import remove_thread
from aiconvokit.chat.schemas import ChatDetail, ChatItem, MessageOut, NewTitle
from aiconvokit.chat.show import show_message
from aiconvokit.chat.tables import RESPONSE_THREAD, Message
from aiconvokit.chat.turn import OTHER_ASSISTANT
from aiconvokit.db import Transaction
from aiconvokit.errors import InvalidFields, NotFound
from aiconvokit.files.queries import ready_versions
from aiconvokit.rest.body import ApiRequest, Body, read_body
from aiconvokit.rest.fields import MAX_INTEGER, read_fields, stamp
from aiconvokit.rest.lists import MAX_ID, Window, next_link, query_value, whole_number, window
from aiconvokit.rest.openapi import LIST, describe
from aiconvokit.rest.urls import chat_url
from aiconvokit.services import Services

MAX_SEARCH = 200
"""Characters of a search: nobody looks for a longer text."""
AUTOMATIC_TITLE = 80
"""Characters of a first question that a chat is called by."""

_SEARCH: dict[str, dict[str, Any]] = {
    "search": {"type": "string", "maxLength": MAX_SEARCH},
    "assistant_id": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_INTEGER},
    **LIST,
}
_FORMAT: dict[str, dict[str, Any]] = {
    "format": {"type": "string", "enum": list(export.FORMATS), "default": export.MARKDOWN}
}


@get("/", operation_class=describe(query=_SEARCH))
async def list_chats(
    request: ApiRequest, session: NamedDependency[AsyncSession], user_id: NamedDependency[int]
) -> Response[list[ChatItem]]:
    """One's own chats, newest first: all, or those that hold some words."""
    assistant_id = whole_number(request, "assistant_id", 0, MAX_ID)
    wanted = ChatPage(_search(request), assistant_id, window(request))
    rows = await queries.chats_of(session, user_id, wanted)
    shown = [_show(request, row) for row in rows[: wanted.window.limit]]
    also = {"search": wanted.words, "assistant_id": wanted.assistant_id}
    more = len(rows) > len(shown)
    headers = next_link(request, wanted.window, shown[-1].id, also) if more else {}
    return Response(shown, headers=headers)


@get("/{chat_id:int}/", operation_class=describe(query=LIST | HTML))
async def get_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> Response[ChatDetail]:
    """A chat with its messages, oldest first; a long one goes on where `Link` says."""
    wanted, html = window(request), wants_html(request)
    async with services.sessions() as session:
        listed = await _listed(session, user_id, chat_id)
        found = await queries.messages_of(session, listed.thread.id, wanted)
        messages = found[: wanted.limit]
        shown = await show_messages(request, session, listed, messages)
    if html:  # no session is held meanwhile: a page of answers may take seconds of CPU
        shown = await each_with_html(shown)
    also = {"html": "true" if html else None}
    more = len(found) > len(messages)
    headers = next_link(request, wanted, messages[-1].id, also) if more else {}
    return Response(_detail(request, listed, shown), headers=headers)


@put("/{chat_id:int}/title/", operation_class=describe(NewTitle))
async def rename_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> ChatItem:
    """Call a chat something; an empty title gives it the automatic one back."""
    async with services.sessions() as session:
        await own_chat(session, user_id, chat_id)  # that there is none is said first
    body = await read_body(request, services.settings.limits)
    wanted = read_fields(_with_blank_title(body), NewTitle)
    async with services.sessions.begin() as session:
        _, thread = await own_chat(session, user_id, chat_id)
        await queries.set_title(session, thread.id, wanted.title)
        return _show(request, await _listed(session, user_id, chat_id))


@get("/{chat_id:int}/export/", operation_class=describe(query=_FORMAT, download=True))
async def export_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> Stream:
    """A chat with all its messages as a file, in Markdown or JSON."""
    wanted = query_value(request, "format") or export.MARKDOWN
    if wanted not in export.FORMATS:
        raise InvalidFields({"format": [f'"{wanted[:MAX_SEARCH]}" is not a valid choice.']})
    async with services.sessions() as session:
        listed = await _listed(session, user_id, chat_id)

    async def after(last_id: int) -> tuple[list[MessageOut], int]:
        """The next messages, and the id of the last of them."""
        async with services.sessions() as session:
            page = Window(export.AT_ONCE - 1, last_id)
            found = await queries.messages_of(session, listed.thread.id, page)
            shown = await show_messages(request, session, listed, found)
            return shown, found[-1].id if found else last_id

    head = _detail(request, listed, [])
    return Stream(
        export.written(head, after, wanted),
        media_type=export.FORMATS[wanted].media_type,
        headers={"Content-Disposition": export.disposition(head, wanted)},
    )


@delete("/{chat_id:int}/")
async def delete_chat(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    chat_id: FromPath[int],
) -> Response[None]:
    """Delete a chat with its messages."""
    removed = Removed()
    async with services.sessions.begin() as session:
        _, thread = await own_chat(session, user_id, chat_id)
        await remove_thread(session, thread, removed)
        deletion = await deletions.keep(session, user_id, "chat", chat_id, removed)
    return deletions.answer(request, deletion)


async def own_chat(session: AsyncSession, user_id: int, chat_id: int) -> ChatRow:
    """A chat of the user's.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    known = 0 <= chat_id <= MAX_ID
    row = await queries.chat_of(session, user_id, chat_id) if known else None
    if row is None:
        raise NotFound.of("Chat")
    return row


async def new_chat(
    services: Services, transaction: Transaction, user_id: int, assistant_id: int
) -> BegunChat:
    """A chat with an assistant, in a thread of its own.

    Raises:
        NotFound: no assistant that the user may ask.
    """
    await access.hold_to_ask(services, transaction, user_id, assistant_id)
    return await queries.insert_chat(transaction, user_id, assistant_id)


async def chat_in(
    session: AsyncSession, user_id: int, assistant_id: int, thread_id: str
) -> BegunChat:
    """The chat of one of the user's threads, made in the caller's transaction if it is none yet.

    Raises:
        NotFound: no such thread of theirs.
        InvalidFields: it is a chat with another assistant.
    """
    known = thread_id.isascii() and thread_id.isprintable()
    known = known and not thread_id.startswith(f"{RESPONSE_THREAD}_")
    thread = await queries.own_thread(session, user_id, thread_id) if known else None
    if thread is None:
        raise NotFound.of("Thread")
    chat = await queries.ensure_chat(session, thread, assistant_id)
    if chat.assistant_id != assistant_id:
        raise InvalidFields({"assistant_id": [OTHER_ASSISTANT]})
    return BegunChat(chat.id, thread.id, thread.public_id)


async def show_messages(
    request: ApiRequest, session: AsyncSession, listed: ListedChat, messages: list[Message]
) -> list[MessageOut]:
    """Messages of a chat on the wire."""
    cited = {one["document_id"] for message in messages for one in message.citations or []}
    versions = await ready_versions(session, sorted(cited))
    assistant_id = listed.chat.assistant_id
    return [show_message(request, one, assistant_id, versions) for one in messages]


async def _listed(session: AsyncSession, user_id: int, chat_id: int) -> ListedChat:
    known = 0 <= chat_id <= MAX_ID
    found = await queries.listed_chat(session, user_id, chat_id) if known else None
    if found is None:
        raise NotFound.of("Chat")
    return found


def _search(request: ApiRequest) -> str:
    words = (query_value(request, "search") or "").strip()
    if len(words) > MAX_SEARCH:
        sentence = f"Ensure this field has no more than {MAX_SEARCH} characters."
        raise InvalidFields({"search": [sentence]})
    return words


def _with_blank_title(body: Body) -> Body:
    """A title of nothing but spaces is none: the one text that may be blank."""
    title = body.values.get("title")
    is_blank = isinstance(title, str) and not title.strip()
    return replace(body, values={**body.values, "title": None}) if is_blank else body


def title_of(own: str | None, first_question: str | None) -> str:
    """What a chat is called: its own title, or how its first question begins."""
    if own:
        return own
    words = " ".join((first_question or "").split())
    if len(words) <= AUTOMATIC_TITLE:
        return words
    return words[: AUTOMATIC_TITLE - 1].rstrip() + "\u2026"


def _show(request: ApiRequest, listed: ListedChat) -> ChatItem:
    chat = listed.chat
    return ChatItem(
        id=chat.id,
        absolute_url=chat_url(request, chat.id),
        thread_id=listed.thread.public_id,
        assistant_id=chat.assistant_id,
        title=title_of(listed.thread.title, listed.first_question),
        created_at=stamp(chat.created_at),
        updated_at=stamp(listed.newest or chat.created_at),
    )


def _detail(request: ApiRequest, listed: ListedChat, messages: list[MessageOut]) -> ChatDetail:
    item = _show(request, listed)
    return ChatDetail(
        id=item.id,
        absolute_url=item.absolute_url,
        thread_id=item.thread_id,
        assistant_id=item.assistant_id,
        title=item.title,
        created_at=item.created_at,
        updated_at=item.updated_at,
        messages=messages,
    )


CHATS: list[Any] = [list_chats, get_chat, rename_chat, export_chat, delete_chat]
"""The routes of this module."""
