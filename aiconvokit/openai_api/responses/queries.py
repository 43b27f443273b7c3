"""Statements on stored responses and the items of their conversations.

A stored response is a run. One that names no conversation has a thread of its own, which nobody
else finds; it goes on from others by their ids.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import API, RESPONSE_THREAD, Message, Thread
from aiconvokit.chat.turn_queries import ENSURE_CHAT
from aiconvokit.db import Transaction
from aiconvokit.ids import public_id
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from aiconvokit.openai_api.responses.context import Kept
from aiconvokit.openai_api.responses.items import Row, stored_item
from aiconvokit.openai_api.tables import Run

RESPONSE, CONVERSATION = "resp", "conv"
"""What public ids begin with."""
MOST_READ = 400
"""Items of a conversation, the newest: far more than a model is sent of it."""


class ResponseRow(NamedTuple):
    """A response, where it stands, and its answer; None when that was deleted."""

    run: Run
    thread: Thread
    answer: Message | None


async def response_of(session: AsyncSession, user_id: int, response_id: str) -> ResponseRow | None:
    """One of a user's stored responses; runs of threads are none."""
    if not response_id.startswith(f"{RESPONSE}_"):
        return None
    row = (
        await session.execute(
            select(Run, Thread, Message)
            .join(Thread, Thread.id == Run.thread_id)
            .outerjoin(Message, Message.id == Run.message_id)
            .where(Run.public_id == response_id, Thread.owner_id == user_id)
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    return ResponseRow(*row) if row else None


async def conversation_of(
    session: AsyncSession, user_id: int, conversation_id: str
) -> Thread | None:
    """One of a user's conversations; threads are none."""
    if not conversation_id.startswith(f"{CONVERSATION}_"):
        return None
    return await session.scalar(
        select(Thread).where(
            Thread.public_id == conversation_id, Thread.owner_id == user_id, Thread.origin == API
        )
    )


async def item_of(session: AsyncSession, user_id: int, item_id: str) -> Message | None:
    """One item of a user's conversations and responses."""
    return await session.scalar(
        select(Message)
        .join(Thread, Thread.id == Message.thread_id)
        .where(
            Message.public_id == item_id,
            Thread.owner_id == user_id,
            Thread.public_id.startswith(f"{CONVERSATION}_", autoescape=True)
            | Thread.public_id.startswith(f"{RESPONSE_THREAD}_", autoescape=True),
        )
    )


async def items_of(session: AsyncSession, user_id: int, item_ids: Sequence[str]) -> list[Message]:
    """Some of a user's items that are still there, oldest first."""
    found = await session.scalars(
        select(Message)
        .join(Thread, Thread.id == Message.thread_id)
        .where(Message.public_id.in_(item_ids), Thread.owner_id == user_id)
        .order_by(Message.id)
    )
    return list(found)


async def page_of_items(
    session: AsyncSession, user_id: int, row: ResponseRow, wanted: Cursor
) -> Listed[tuple[Message]]:
    """A page of what came in with a response."""
    statement = select(Message).where(
        Message.thread_id == row.run.thread_id,
        Message.public_id.in_(row.run.parameters["input"]),
    )
    return await listed(session, user_id, statement, Keys(Message.id, Message.public_id), wanted)


async def delete_run(session: AsyncSession, run_id: int) -> None:
    """Remove a response from its conversation, whose items stay."""
    await session.execute(delete(Run).where(Run.id == run_id))


# Made in the same transaction.
_DELETE_NEW_CHAT = text("DELETE FROM chat WHERE thread_id = :thread AND created_at = :created_at")


async def delete_new_chat(session: AsyncSession, run: Run) -> None:
    """Remove the chat that a conversation became with a response, if it did."""
    keys = {"thread": run.thread_id, "created_at": run.created_at}
    await session.execute(_DELETE_NEW_CHAT, keys)


async def delete_items(session: AsyncSession, thread_id: int, item_ids: Sequence[str]) -> None:
    """Remove some items of a thread."""
    await session.execute(
        delete(Message).where(Message.thread_id == thread_id, Message.public_id.in_(item_ids))
    )


# Plain SQL from here on: it goes with the statements of a turn that begins.
_HOLD_ASSISTANT = "SELECT openai_id FROM assistant WHERE id = %(assistant)s FOR KEY SHARE"
_TAKE = """
UPDATE thread
SET lease_token = %(lease)s, lease_expires_at = now() + make_interval(secs => %(seconds)s)
WHERE id = %(thread)s AND owner_id = %(user)s
  AND (lease_token IS NULL OR lease_expires_at < now())
RETURNING id
"""
_MAKE = """
INSERT INTO thread (public_id, owner_id, lease_token, lease_expires_at)
VALUES (%(id)s, %(user)s, %(lease)s, now() + make_interval(secs => %(seconds)s)) RETURNING id
"""
# Each response from which another one goes on, with all that stands before its end.
_BEFORE = """
WITH earlier AS (
    SELECT r.thread_id, greatest(0, r.message_id, (
        SELECT max(m.id) FROM message m WHERE m.thread_id = r.thread_id AND m.public_id IN (
            SELECT jsonb_array_elements_text(r.parameters -> 'input' || (r.parameters -> 'output')))
        )) AS until
    FROM run r JOIN thread t ON t.id = r.thread_id
    WHERE r.public_id = ANY(%(before)s) AND t.owner_id = %(user)s
    UNION ALL
    SELECT id, NULL FROM thread WHERE id = %(thread)s AND owner_id = %(user)s
)
SELECT m.role, m.content, m.attachments, m.public_id, m.status, m.citations
FROM earlier e JOIN message m ON m.thread_id = e.thread_id AND m.id <= coalesce(e.until, m.id)
ORDER BY m.id DESC LIMIT %(limit)s
"""
# An answer that is still unfinished when the lease is new lost its process.
_INSERT_ITEMS = """
WITH lost AS (
    UPDATE message SET status = 'interrupted'
    WHERE thread_id = %(thread)s AND status = 'in_progress'
)
INSERT INTO message (public_id, thread_id, role, status, content, attachments)
SELECT id, %(thread)s, role, status, content, CAST(attached AS jsonb)
FROM unnest(%(ids)s::text[], %(roles)s::text[], %(statuses)s::text[], %(contents)s::text[],
            %(attached)s::text[])
    WITH ORDINALITY AS one(id, role, status, content, attached, nr)
ORDER BY nr
RETURNING id
"""
_INSERT_RUN = """
INSERT INTO run (public_id, thread_id, assistant_id, message_id, parameters, metadata)
VALUES (%(id)s, %(thread)s, %(assistant)s, %(message)s, %(parameters)s, %(metadata)s)
RETURNING id, created_at
"""
_NOTE_OUTPUT = """
UPDATE run SET parameters = parameters || jsonb_build_object('output', CAST(%(ids)s AS jsonb))
WHERE id = %(run)s
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The thread that a response holds."""

    id: int
    public_id: str


async def hold_assistant(transaction: Transaction, assistant_id: int) -> str | None:
    """Keep an assistant until the transaction ends; its public id, None when it is gone."""
    found = await transaction.execute(_HOLD_ASSISTANT, {"assistant": assistant_id})
    row = await found.fetchone()
    return row[0] if row else None


async def take(
    transaction: Transaction, user_id: int, thread: Place, lease: UUID, seconds: int
) -> Place | None:
    """Take a conversation that is free or whose lease ran out; None: another turn holds it."""
    keys = {"thread": thread.id, "user": user_id, "lease": lease, "seconds": seconds}
    row = await (await transaction.execute(_TAKE, keys)).fetchone()
    return thread if row else None


async def make(transaction: Transaction, user_id: int, lease: UUID, seconds: int) -> Place:
    """A thread of a response's own, taken."""
    made = public_id(RESPONSE_THREAD)
    keys = {"id": made, "user": user_id, "lease": lease, "seconds": seconds}
    rows = await (await transaction.execute(_MAKE, keys)).fetchall()
    return Place(rows[0][0], made)


async def before(
    transaction: Transaction, user_id: int, responses: Sequence[str], thread_id: int | None
) -> list[Kept]:
    """What was said before: in some responses and up to them, or in a conversation; oldest first.

    Answers without words are left out.
    """
    keys = {"before": list(responses), "user": user_id, "thread": thread_id, "limit": MOST_READ}
    rows = await (await transaction.execute(_BEFORE, keys)).fetchall()
    found = ((stored_item(*row[:3]), row[3:]) for row in reversed(rows))
    return [Kept(item, *rest) for item, rest in found if item is not None]


async def insert_items(
    transaction: Transaction, thread_id: int, rows: Sequence[Row], *, answer: str | None = None
) -> int:
    """Append items to a thread that a turn holds, and its unfinished answer behind them.

    Args:
        transaction: the turn's.
        thread_id: the thread's row.
        rows: what is said.
        answer: the public id of the answer; None: there is none.

    Returns:
        the row of the last one.
    """
    whole = [(one, "complete") for one in rows]
    if answer is not None:
        whole.append((Row(answer, "assistant", "", None), "in_progress"))
    columns = {
        "ids": [one.public_id for one, _ in whole],
        "roles": [one.role for one, _ in whole],
        "statuses": [status for _, status in whole],
        "contents": [one.content for one, _ in whole],
        "attached": [_json(one.attachments) for one, _ in whole],
    }
    found = await transaction.execute(_INSERT_ITEMS, {"thread": thread_id, **columns})
    newest: int = max(row[0] for row in await found.fetchall())
    return newest


async def ensure_chat(transaction: Transaction, thread_id: int, assistant_id: int) -> int:
    """The chat of a thread; where it has none, one with that assistant, which is held."""
    keys = {"thread": thread_id, "assistant": assistant_id}
    row = (await (await transaction.execute(ENSURE_CHAT, keys)).fetchall())[0]
    return int(row[0])


async def insert_run(transaction: Transaction, run: Run) -> tuple[int, datetime]:
    """Store a new response in the transaction in which its turn begins; its row, and when."""
    values = {
        "id": run.public_id,
        "thread": run.thread_id,
        "assistant": run.assistant_id,
        "message": run.message_id,
        "parameters": Jsonb(run.parameters),
        "metadata": Jsonb(run.metadata_),
    }
    rows = await (await transaction.execute(_INSERT_RUN, values)).fetchall()
    return rows[0][0], rows[0][1]


async def note_output(transaction: Transaction, run_id: int, item_ids: Sequence[str]) -> None:
    """Write down the items that came of a response behind its message."""
    await transaction.execute(_NOTE_OUTPUT, {"run": run_id, "ids": Jsonb(list(item_ids))})


def _json(value: list[dict[str, Any]] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
