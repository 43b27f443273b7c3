"""Every statement on the messages of `/v1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.tables import Chat, Message
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


async def insert_messages(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Append messages to their thread, in their order."""
    session.add_all(messages)
    await session.flush()


async def status_of(session: AsyncSession, message_id: int) -> str | None:
    """How a message stands now; None when it is gone."""
    return await session.scalar(select(Message.status).where(Message.id == message_id))


async def set_metadata(session: AsyncSession, message_id: int, metadata: dict[str, str]) -> bool:
    """Replace what the owner keeps with a message; False when it is gone."""
    found = await session.scalar(
        update(Message)
        .where(Message.id == message_id)
        .values(metadata_=metadata)
        .returning(Message)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return found is not None


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
