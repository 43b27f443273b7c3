"""Conversations: threads that responses go on in, and their items."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message, Thread
from aiconvokit.openai_api.conversations import queries
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.responses import items as response_items
from aiconvokit.openai_api.responses.asking import found_items, unknown_conversation
from aiconvokit.openai_api.responses.beginning import ConversationLocked
from aiconvokit.openai_api.responses.items import rows_of
from aiconvokit.openai_api.responses.queries import conversation_of
from aiconvokit.openai_api.threads import queries as threads_queries

MOST_ITEMS = 20
"""At once, as OpenAI has it."""
Items = Annotated[list[Any], Meta(max_length=MOST_ITEMS)]
PARTLY = "items are messages of text, calls of functions and what these came to"


class ConversationOut(Struct):
    """OpenAI's conversation object."""

    id: str
    created_at: int
    metadata: dict[str, str]
    object: Literal["conversation"] = "conversation"


def show_conversation(thread: Thread) -> ConversationOut:
    """A conversation on the wire."""
    return ConversationOut(thread.public_id, seconds(thread.created_at), thread.metadata_)


async def own_conversation(session: AsyncSession, user_id: int, conversation_id: str) -> Thread:
    """One of a user's conversations.

    Raises:
        NotFound: there is none with that id for them.
    """
    found = await conversation_of(session, user_id, conversation_id)
    if found is None:
        raise unknown_conversation(conversation_id)
    return found


async def add_items(session: AsyncSession, thread: Thread, given: Sequence[Any]) -> list[Message]:
    """Append items to a conversation, in the caller's transaction.

    Raises:
        InvalidFields: one of them is none that is read here.
        NotFound: one that is referred to is none of the owner's, or the conversation is gone.
        ConversationLocked: a response is in work in it.
    """
    read = response_items.read(given, "items")
    found = await found_items(session, thread.owner_id, read)
    await hold_idle(session, thread)
    return await queries.insert_items(session, thread, rows_of(found))


async def hold_idle(session: AsyncSession, thread: Thread) -> None:
    """Keep a conversation as it is until the transaction ends.

    Raises:
        NotFound: it was deleted meanwhile.
        ConversationLocked: a response is in work in it.
    """
    held = await threads_queries.hold(session, thread.id)
    if held is None:
        raise unknown_conversation(thread.public_id)
    if held.is_busy:
        raise ConversationLocked
