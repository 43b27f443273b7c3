"""Every statement on the messages of `/v1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Select, and_, exists, not_, or_, select, text, update
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
    found = {cast("int", row[0]): Origin(*row[1:]) for row in rows}
    if others := [one for one in message_ids if one not in found]:
        said = await session.execute(_SAID_BESIDE_CALLS, {"messages": others})
        found |= {row[0]: Origin(*row[1:]) for row in said}
    return found


# What a run says before its answer is named by its rounds of calls.
_SAID_BESIDE_CALLS = text(
    """
    SELECT m.id, r.public_id, r.assistant_id, CAST(NULL AS timestamptz)
    FROM message m JOIN run r ON r.thread_id = m.thread_id
    WHERE m.id = ANY(:messages)
      AND r.parameters @> jsonb_build_object(
            'rounds', jsonb_build_array(jsonb_build_object('said', m.id)))
    """
)
_IS_SAID_IN = text(
    """
    message.id IN (
        SELECT CAST(one ->> 'said' AS bigint)
        FROM run r, jsonb_array_elements(r.parameters -> 'rounds') AS one
        WHERE r.public_id = :run AND r.thread_id = message.thread_id)
    """
)


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

    Answers that ended, or wait for functions, before their first word are none.
    """
    waits = and_(
        Message.status == "in_progress",
        Message.content == "",
        exists().where(Run.message_id == Message.id, Run.parameters.has_key("waiting")),
    )
    statement: Select[Message] = select(Message).where(
        Message.thread_id == thread_id,
        or_(Message.content != "", Message.status.not_in(["failed", "interrupted"])),
        not_(waits),
    )
    if run_id is not None:
        is_its_answer = exists().where(Run.message_id == Message.id, Run.public_id == run_id)
        statement = statement.where(or_(is_its_answer, _IS_SAID_IN.bindparams(run=run_id)))
    return await listed(session, user_id, statement, Keys(Message.id, Message.public_id), wanted)
