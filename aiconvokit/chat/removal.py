"""Deleting a thread, or a message of one."""

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import idempotency_store
from aiconvokit.accounts.deletions import Removed
from aiconvokit.chat import queries
from aiconvokit.chat.tables import Message, Thread


async def remove_thread(session: AsyncSession, thread: Thread, removed: Removed) -> None:
    """Delete a thread with its chat and its messages, in the caller's transaction."""
    chat = await queries.chat_of_thread(session, thread.id)
    removed.messages += await queries.delete_thread(session, thread.id)
    if chat is not None:
        await idempotency_store.forget(session, chat.assistant_id, thread.owner_id)
        removed.chats.append(chat.id)


async def remove_message(
    session: AsyncSession, thread: Thread, message: Message, removed: Removed
) -> None:
    """Delete a message that is not in work, in the caller's transaction."""
    chat = await queries.chat_of_thread(session, thread.id)
    await queries.delete_message(session, thread.id, message.id)
    removed.messages += 1
    if chat is not None:
        await idempotency_store.forget(session, chat.assistant_id, thread.owner_id)
