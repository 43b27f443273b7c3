"""Every statement on threads, chats, messages and their receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Select, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import API, WIDGET, Chat, Message, Receipt, Thread
from aiconvokit.db import Transaction
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window

ChatRow = tuple[Chat, Thread]
_Listed = Select[Chat, Thread, str | None, datetime | None]
FIRST_QUESTION = 400
"""Characters of a first question that are read for a title: more than one has, for white space."""


@dataclass(frozen=True, slots=True)
class BegunChat:
    """A chat that was just begun: its id, and its thread's row and public id."""

    id: int
    thread_id: int
    thread_public_id: str


_INSERT_THREAD = """
INSERT INTO thread (public_id, owner_id, origin) VALUES (%(thread)s, %(owner)s, %(origin)s)
"""
# Another statement: a policy on chats looks for their thread, and sees none of its own statement.
_INSERT_CHAT = """
INSERT INTO chat (thread_id, assistant_id)
SELECT id, %(assistant)s FROM thread WHERE public_id = %(thread)s
RETURNING id, thread_id
"""


async def insert_chat(
    transaction: Transaction, owner_id: int, assistant_id: int, origin: str = API
) -> BegunChat:
    """A new thread, and the chat that joins it with an assistant."""
    name = public_id("thread")
    keys = {"thread": name, "owner": owner_id, "origin": origin, "assistant": assistant_id}
    await transaction.execute(_INSERT_THREAD, keys)
    rows = await (await transaction.execute(_INSERT_CHAT, keys)).fetchall()
    return BegunChat(rows[0][0], rows[0][1], name)


async def ensure_chat(session: AsyncSession, thread: Thread, assistant_id: int) -> Chat:
    """The chat of a thread; where it has none, one with that assistant."""
    new = insert(Chat).values(thread_id=thread.id, assistant_id=assistant_id)
    await session.execute(new.on_conflict_do_nothing(index_elements=[Chat.thread_id]))
    return (await session.scalars(select(Chat).where(Chat.thread_id == thread.id))).one()


async def chat_of_thread(session: AsyncSession, thread_id: int) -> Chat | None:
    """The chat that a thread is."""
    return await session.scalar(select(Chat).where(Chat.thread_id == thread_id))


async def chat_of(session: AsyncSession, user_id: int, chat_id: int) -> ChatRow | None:
    """One chat of a user with its thread."""
    row = (
        await session.execute(
            select(Chat, Thread)
            .join(Thread, Thread.id == Chat.thread_id)
            .where(Chat.id == chat_id, Thread.owner_id == user_id)
        )
    ).one_or_none()
    return cast("ChatRow | None", row)


async def thread_of(session: AsyncSession, user_id: int, thread_id: int) -> Thread | None:
    """One thread of a user."""
    return await session.scalar(
        select(Thread).where(Thread.id == thread_id, Thread.owner_id == user_id)
    )


async def own_thread(session: AsyncSession, user_id: int, public_id: str) -> Thread | None:
    """One of a user's own threads; what visitors of a web site say is none.

    It is held: it stays until the transaction ends.
    """
    return await session.scalar(
        select(Thread)
        .where(Thread.public_id == public_id, Thread.owner_id == user_id, Thread.origin == API)
        .with_for_update(read=True, key_share=True)
    )


@dataclass(frozen=True, slots=True)
class ListedChat:
    """A chat of a list: what it may be called by, and when it was last talked in (None: never)."""

    chat: Chat
    thread: Thread
    first_question: str | None
    """Its beginning."""
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class ChatPage:
    """Which chats are wanted: with these words ("": any), of one assistant (None: of all)."""

    words: str
    assistant_id: int | None
    window: Window


async def chats_of(session: AsyncSession, user_id: int, wanted: ChatPage) -> list[ListedChat]:
    """A user's own chats, newest first; one more than asked for when there are more.

    What visitors of a web site said is not among them.
    """
    statement = (
        _listed()
        .where(Thread.owner_id == user_id, Thread.origin != WIDGET)
        .order_by(Chat.id.desc())
        .limit(wanted.window.limit + 1)
    )
    if wanted.window.after is not None:
        statement = statement.where(Chat.id < wanted.window.after)
    if wanted.assistant_id is not None:
        statement = statement.where(Chat.assistant_id == wanted.assistant_id)
    if wanted.words:
        said = exists().where(
            Message.thread_id == Thread.id, Message.content.icontains(wanted.words, autoescape=True)
        )
        named = Thread.title.icontains(wanted.words, autoescape=True)
        statement = statement.where(or_(named, said))
    return await _read(session, statement)


async def listed_chat(session: AsyncSession, user_id: int, chat_id: int) -> ListedChat | None:
    """One chat of a user, also one of a visitor of their web site."""
    statement = _listed().where(Chat.id == chat_id, Thread.owner_id == user_id)
    found = await _read(session, statement)
    return found[0] if found else None


async def _read(session: AsyncSession, statement: _Listed) -> list[ListedChat]:
    rows = (await session.execute(statement)).all()
    return [ListedChat(chat, thread, first, newest) for chat, thread, first, newest in rows]


def _listed() -> _Listed:
    of_thread = select(Message).where(Message.thread_id == Thread.id).correlate(Thread)
    first = (
        of_thread.with_only_columns(func.left(Message.content, FIRST_QUESTION))
        .where(Message.role == "user", Message.content != "")
        .order_by(Message.id)
        .limit(1)
    )
    newest = of_thread.with_only_columns(Message.created_at).order_by(Message.id.desc()).limit(1)
    return select(Chat, Thread, first.scalar_subquery(), newest.scalar_subquery()).join(
        Thread, Thread.id == Chat.thread_id
    )


async def set_title(session: AsyncSession, thread_id: int, title: str | None) -> None:
    """Give a thread a title of its own; None takes it away."""
    await session.execute(update(Thread).where(Thread.id == thread_id).values(title=title))


# Responses of `/v1` go on from those of other threads; they are named, not imported.
_REDACT_THOSE_BEHIND = text(
    """
    WITH response AS (
        SELECT public_id FROM run
        WHERE thread_id = ANY(:threads) AND starts_with(public_id, 'resp_')
    )
    UPDATE receipt r SET content = r.content || jsonb_build_object(
        'redacted', true, 'rewritten', NULL, 'messages', jsonb_build_array())
    FROM run JOIN thread t ON t.id = run.thread_id
    WHERE EXISTS (SELECT FROM response)
      AND t.owner_id IN (SELECT owner_id FROM thread WHERE id = ANY(:threads))
      AND run.parameters -> 'before' ?| ARRAY(SELECT public_id FROM response)
      AND r.message_id = run.message_id
    """
)


async def delete_thread(session: AsyncSession, thread_id: int) -> int:
    """Remove a thread; its chat and messages go with it. The number of the messages."""
    await session.execute(_REDACT_THOSE_BEHIND, {"threads": [thread_id]})
    messages = await session.scalar(
        select(func.count()).select_from(Message).where(Message.thread_id == thread_id)
    )
    await session.execute(delete(Thread).where(Thread.id == thread_id))
    return messages or 0


_DELETE_THREADS = text("DELETE FROM thread WHERE id = ANY(:ids)")


async def delete_threads(session: AsyncSession, thread_ids: Sequence[int]) -> None:
    """Remove threads with their chats and messages.

    The ids are one array: a statement has no more than 65,535 parameters.
    """
    await session.execute(_REDACT_THOSE_BEHIND, {"threads": list(thread_ids)})
    await session.execute(_DELETE_THREADS, {"ids": list(thread_ids)})


async def insert_message(session: AsyncSession, thread_id: int, role: str, content: str) -> None:
    """Append a message that is complete to a thread."""
    message = Message(
        public_id=public_id("msg"),
        thread_id=thread_id,
        role=role,
        content=content,
        status="complete",
    )
    session.add(message)
    await session.flush()


# What later answers were written from holds its words.
_REDACT_LATER_RECEIPTS = text(
    """
    UPDATE receipt r SET content = r.content || jsonb_build_object(
        'redacted', true, 'rewritten', NULL, 'messages', jsonb_build_array())
    FROM message m
    WHERE m.id = r.message_id AND m.thread_id = :thread AND m.id > :message
    """
)


# Named, not imported: runs stand above this feature.
_FORGET_CALLS = text(
    """
    UPDATE run SET parameters = jsonb_set(parameters, '{rounds}', (
        SELECT jsonb_agg(made || '{"calls": [], "outputs": []}' ORDER BY nr)
        FROM jsonb_array_elements(parameters -> 'rounds') WITH ORDINALITY AS round(made, nr)))
    WHERE message_id = :message AND parameters ? 'rounds'
    """
)


async def delete_message(session: AsyncSession, thread_id: int, message_id: int) -> None:
    """Remove a message, with its receipt and its words in those of later answers.

    With a run's answer go its calls of functions: nothing would tell whose words are in them.
    """
    keys = {"thread": thread_id, "message": message_id}
    await session.execute(_REDACT_LATER_RECEIPTS, keys)
    await session.execute(_REDACT_THOSE_BEHIND, {"threads": [thread_id]})
    await session.execute(_FORGET_CALLS, {"message": message_id})
    await session.execute(delete(Message).where(Message.id == message_id))


async def receipt_of(
    session: AsyncSession, thread_id: int, message_public_id: str
) -> Receipt | None:
    """The receipt of one of a thread's answers."""
    return await session.scalar(
        select(Receipt)
        .join(Message, Message.id == Receipt.message_id)
        .where(Message.thread_id == thread_id, Message.public_id == message_public_id)
    )


async def message_of(
    session: AsyncSession, thread_id: int, message_public_id: str
) -> Message | None:
    """One of a thread's messages."""
    return await session.scalar(
        select(Message).where(
            Message.thread_id == thread_id, Message.public_id == message_public_id
        )
    )


async def messages_of(session: AsyncSession, thread_id: int, wanted: Window) -> list[Message]:
    """A thread's messages, oldest first; one more than asked for when there are more.

    What is whole and has no words is no message, but another item of a conversation of `/v1`.
    """
    found = await session.scalars(
        select(Message)
        .where(Message.thread_id == thread_id, Message.id > (wanted.after or 0))
        .where(or_(Message.content != "", Message.status != "complete"))
        .order_by(Message.id)
        .limit(wanted.limit + 1)
    )
    return list(found.all())
