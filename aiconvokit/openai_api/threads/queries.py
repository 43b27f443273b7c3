"""Every statement on the threads of `/v1`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Thread
from ingestion.tables import Collection


async def insert(session: AsyncSession, thread: Thread) -> None:
    """A new thread, which is no chat yet."""
    session.add(thread)
    await session.flush()
    await session.refresh(thread)


async def change(session: AsyncSession, thread_id: int, values: Mapping[str, Any]) -> None:
    """Change some columns of a thread."""
    await session.execute(
        update(Thread)
        .where(Thread.id == thread_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def hold(session: AsyncSession, thread_id: int) -> Thread | None:
    """A thread as it is now, kept so until the transaction ends; None when it is gone."""
    return await session.scalar(
        select(Thread)
        .where(Thread.id == thread_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def store_id_of(session: AsyncSession, collection_id: int | None) -> str | None:
    """The public id of the collection of a thread that has one."""
    if collection_id is None:
        return None
    return await session.scalar(select(Collection.public_id).where(Collection.id == collection_id))
