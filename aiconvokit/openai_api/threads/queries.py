"""Every statement on the threads of `/v1`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message, Thread
from aiconvokit.openai_api.tables import Run
from ingestion.tables import Collection


async def insert(session: AsyncSession, thread: Thread) -> None:
    """A new thread, which is no chat yet."""
    session.add(thread)
    await session.flush()
    await session.refresh(thread)


async def change(session: AsyncSession, thread_id: int, values: Mapping[str, Any]) -> None:
    """Change some columns of a thread that is held, and its object in the session with them."""
    await session.scalar(
        update(Thread)
        .where(Thread.id == thread_id)
        .values(**values)
        .returning(Thread)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A thread as it is now, which nobody else changes until the transaction ends."""

    thread: Thread
    is_busy: bool
    """A turn is in work."""
    run_id: str | None
    """The public id of its run, if it is one."""


async def hold(session: AsyncSession, thread_id: int) -> Held | None:
    """Keep a thread as it is until the transaction ends; None when it is gone."""
    is_leased = and_(Thread.lease_token.is_not(None), Thread.lease_expires_at > func.now())
    row = (
        await session.execute(
            select(Thread, is_leased)
            .where(Thread.id == thread_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if row is None:
        return None
    is_busy = bool(row[1])
    return Held(row[0], is_busy, await run_in_work(session, thread_id) if is_busy else None)


async def run_in_work(session: AsyncSession, thread_id: int) -> str | None:
    """The public id of the run that is in work in a thread."""
    return await session.scalar(
        select(Run.public_id)
        .join(Message, Message.id == Run.message_id)
        .where(Run.thread_id == thread_id, Message.status == "in_progress")
        .order_by(Run.id.desc())
        .limit(1)
    )


async def store_id_of(session: AsyncSession, collection_id: int | None) -> str | None:
    """The public id of the collection of a thread that has one."""
    if collection_id is None:
        return None
    return await session.scalar(select(Collection.public_id).where(Collection.id == collection_id))
