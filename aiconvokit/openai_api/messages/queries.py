"""Every statement on the messages of `/v1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.tables import Chat, Message, Thread
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from aiconvokit.openai_api.tables import Run


@dataclass(frozen=True, slots=True)
class Origin:
    """The run that an answer comes from; both ids are public ones."""

    run_id: str
    assistant_id: str
    cancelled_at: datetime | None


async def origins_of(session: AsyncSession, message_ids: Sequence[int]) -> dict[int, Origin]:
    """Message id -> its run, for those that come from one."""
    if not message_ids:
        return {}
    rows = await session.execute(
        select(Run.message_id, Run.public_id, Run.assistant_id, Run.cancelled_at).where(
            Run.message_id.in_(message_ids)
        )
    )
    return {cast("int", row[0]): Origin(*row[1:]) for row in rows}


async def assistant_of(session: AsyncSession, thread_id: int) -> str | None:
    """The public id of the assistant that a thread is a chat with."""
    return await session.scalar(
        select(Assistant.openai_id)
        .join(Chat, Chat.assistant_id == Assistant.id)
        .where(Chat.thread_id == thread_id)
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A thread's row that nobody else changes until the transaction ends."""

    is_busy: bool
    """A turn is in work."""
    run_id: str | None
    """The public id of its run, if it is one."""


async def hold_thread(session: AsyncSession, thread_id: int) -> Held | None:
    """Keep a thread as it is until the transaction ends; None when it is gone."""
    row = (
        await session.execute(
            select(and_(Thread.lease_token.is_not(None), Thread.lease_expires_at > func.now()))
            .where(Thread.id == thread_id)
            .with_for_update(key_share=True)
        )
    ).one_or_none()
    if row is None:
        return None
    is_busy = bool(row[0])
    return Held(is_busy, await _run_in_work(session, thread_id) if is_busy else None)


async def _run_in_work(session: AsyncSession, thread_id: int) -> str | None:
    return await session.scalar(
        select(Run.public_id)
        .join(Message, Message.id == Run.message_id)
        .where(Run.thread_id == thread_id, Message.status == "in_progress")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def insert_messages(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Append messages to their thread, in their order."""
    for message in messages:  # one by one: the ids are their order
        session.add(message)
        await session.flush()
        await session.refresh(message)


async def status_of(session: AsyncSession, message_id: int) -> str | None:
    """How a message stands now; None when it is gone."""
    return await session.scalar(select(Message.status).where(Message.id == message_id))


async def set_metadata(session: AsyncSession, message: Message, metadata: dict[str, str]) -> None:
    """Replace what the owner keeps with a message."""
    await session.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(metadata_=metadata)
        .execution_options(synchronize_session=False)
    )
    await session.refresh(message)


async def page_of(
    session: AsyncSession, user_id: int, thread_id: int, run_id: str | None, wanted: Cursor
) -> Listed[tuple[Message]]:
    """A page of a thread's messages, of one run's or all.

    Answers that ended before their first word are none.
    """
    statement: Select[Message] = select(Message).where(
        Message.thread_id == thread_id,
        or_(Message.content != "", Message.status.not_in(["failed", "interrupted"])),
    )
    if run_id is not None:
        statement = statement.join(Run, Run.message_id == Message.id).where(Run.public_id == run_id)
    return await listed(session, user_id, statement, Keys(Message.id, Message.public_id), wanted)
