"""Every statement on threads, chats, messages and their receipts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.engine import CursorResult
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


async def take_lease(session: AsyncSession, thread_id: int, token: UUID, seconds: int) -> bool:
    """Take a thread that is free or whose lease ran out; False while another turn holds it."""
    return await _changed(
        session,
        update(Thread)
        .where(
            Thread.id == thread_id,
            or_(Thread.lease_token.is_(None), Thread.lease_expires_at < func.now()),
        )
        .values(lease_token=token, lease_expires_at=func.now() + timedelta(seconds=seconds)),
    )


async def renew_lease(session: AsyncSession, thread_id: int, token: UUID, seconds: int) -> bool:
    """Hold a lease for longer; False when it was lost."""
    return await _changed(
        session,
        update(Thread)
        .where(Thread.id == thread_id, Thread.lease_token == token)
        .values(lease_expires_at=func.now() + timedelta(seconds=seconds)),
    )


async def release_lease(session: AsyncSession, thread_id: int, token: UUID) -> bool:
    """Give a lease back; False when it was lost."""
    return await _changed(
        session,
        update(Thread)
        .where(Thread.id == thread_id, Thread.lease_token == token)
        .values(lease_token=None, lease_expires_at=None),
    )


async def _changed(session: AsyncSession, statement: Any) -> bool:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount > 0


async def interrupt_unfinished(session: AsyncSession, thread_id: int) -> None:
    """Answers whose process died are told from those in work: their lease is gone."""
    await session.execute(
        update(Message)
        .where(Message.thread_id == thread_id, Message.status == "in_progress")
        .values(status="interrupted")
        .execution_options(synchronize_session=False)
    )


async def insert_message(
    session: AsyncSession, thread_id: int, role: str, content: str, status: str
) -> Message:
    """Append a message to a thread."""
    message = Message(
        public_id=public_id("msg"),
        thread_id=thread_id,
        role=role,
        content=content,
        status=status,
    )
    session.add(message)
    await session.flush()
    return message


async def finish_message(session: AsyncSession, message_id: int, values: dict[str, Any]) -> None:
    """Write how an answer ended."""
    await session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def insert_receipt(session: AsyncSession, receipt: Receipt) -> None:
    """Keep how an answer came about."""
    session.add(receipt)
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


async def newest_messages(session: AsyncSession, thread_id: int, limit: int) -> list[Message]:
    """The newest complete messages of a thread, oldest first."""
    found = await session.scalars(
        select(Message)
        .where(Message.thread_id == thread_id, Message.status == "complete")
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed(found.all()))


async def messages_of(session: AsyncSession, thread_id: int, wanted: Window) -> list[Message]:
    """A thread's messages, oldest first; one more than asked for when there are more."""
    found = await session.scalars(
        select(Message)
        .where(Message.thread_id == thread_id, Message.id > (wanted.after or 0))
        .order_by(Message.id)
        .limit(wanted.limit + 1)
    )
    return list(found.all())
