"""Every statement on threads, chats, messages and their receipts."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Chat, Message, Receipt, Thread
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window

ChatRow = tuple[Chat, Thread]


async def insert_chat(session: AsyncSession, owner_id: int, assistant_id: int) -> ChatRow:
    """A new thread, and the chat that joins it with an assistant."""
    thread = Thread(public_id=public_id("thread"), owner_id=owner_id)
    session.add(thread)
    await session.flush()
    chat = Chat(thread_id=thread.id, assistant_id=assistant_id)
    session.add(chat)
    await session.flush()
    await session.refresh(chat)
    return chat, thread


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


async def chats_of(session: AsyncSession, user_id: int, wanted: Window) -> Sequence[ChatRow]:
    """A user's chats, newest first; one more than asked for when there are more."""
    statement = (
        select(Chat, Thread)
        .join(Thread, Thread.id == Chat.thread_id)
        .where(Thread.owner_id == user_id)
        .order_by(Chat.id.desc())
        .limit(wanted.limit + 1)
    )
    if wanted.after is not None:
        statement = statement.where(Chat.id < wanted.after)
    return cast("Sequence[ChatRow]", (await session.execute(statement)).all())


async def delete_thread(session: AsyncSession, thread_id: int) -> int:
    """Remove a thread; its chat and messages go with it. The number of the messages."""
    messages = await session.scalar(
        select(func.count()).select_from(Message).where(Message.thread_id == thread_id)
    )
    await session.execute(delete(Thread).where(Thread.id == thread_id))
    return messages or 0


async def thread_exists(session: AsyncSession, thread_id: int) -> bool:
    """Whether a thread is still there."""
    return bool(await session.scalar(select(exists().where(Thread.id == thread_id))))


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
    """A thread's messages, oldest first; one more than asked for when there are more."""
    found = await session.scalars(
        select(Message)
        .where(Message.thread_id == thread_id, Message.id > (wanted.after or 0))
        .order_by(Message.id)
        .limit(wanted.limit + 1)
    )
    return list(found.all())
