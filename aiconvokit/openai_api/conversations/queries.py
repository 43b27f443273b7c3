"""Statements on conversations and their items."""

from collections.abc import Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message, Thread
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from aiconvokit.openai_api.responses.items import Row
from aiconvokit.openai_api.tables import Run


async def insert_items(session: AsyncSession, thread: Thread, rows: Sequence[Row]) -> list[Message]:
    """Append items to a conversation that is held, in their order."""
    messages = [
        Message(
            public_id=one.public_id,
            thread_id=thread.id,
            role=one.role,
            status="complete",
            content=one.content,
            attachments=one.attachments,
        )
        for one in rows
    ]
    session.add_all(messages)
    await session.flush()
    return messages


async def item_in(session: AsyncSession, thread_id: int, item_id: str) -> Message | None:
    """One item of a conversation."""
    return await session.scalar(_items(thread_id).where(Message.public_id == item_id))


async def page_of(
    session: AsyncSession, user_id: int, thread_id: int, wanted: Cursor
) -> Listed[tuple[Message]]:
    """A page of a conversation's items."""
    keys = Keys(Message.id, Message.public_id)
    return await listed(session, user_id, _items(thread_id), keys, wanted)


def _items(thread_id: int) -> Select[Message]:
    """Those of a conversation; answers without words are none, but for one that is in work."""
    return select(Message).where(
        Message.thread_id == thread_id,
        or_(
            Message.content != "",
            Message.attachments.is_not(None),
            Message.status == "in_progress",
        ),
    )


async def calls_of(session: AsyncSession, message_id: int) -> list[str]:
    """Public ids of the calls of functions that a response ended with, by its answer."""
    found = await session.scalar(
        select(Run.parameters["output"]).where(Run.message_id == message_id)
    )
    return list(found or ())
