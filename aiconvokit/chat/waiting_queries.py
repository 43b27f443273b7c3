"""The statements of turns that wait for what functions came to, and of those that go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from aiconvokit.chat import turn_queries
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.chat.turn_queries import Earlier, Persona, Room
from aiconvokit.db import Transaction
from aiconvokit.retrieval.types import SearchedCollection

_HOLD = """
UPDATE thread
SET lease_token = %(lease)s, lease_expires_at = now() + make_interval(secs => %(seconds)s)
WHERE id = %(thread)s RETURNING CAST(extract(epoch FROM lease_expires_at) AS float8)
"""
_INSERT_ANSWER = """
INSERT INTO message (public_id, thread_id, role, status, content)
VALUES (%(answer_id)s, %(thread)s, 'assistant', 'in_progress', '') RETURNING id
"""
# As `turn_queries` takes a thread; but the lease is the waiting turn's, and becomes a new one: of
# two who go on with it, one finds it.
_TAKE = """
WITH a AS (
    SELECT id, instructions, company_name, glossary FROM assistant
    WHERE id = %(assistant)s AND (owner_id = %(user)s OR %(shared)s) FOR KEY SHARE
)
UPDATE thread t
SET lease_token = %(lease)s, lease_expires_at = now() + make_interval(secs => %(seconds)s)
FROM a
WHERE t.id = %(thread)s AND t.owner_id = %(user)s AND t.origin = %(origin)s
  AND t.lease_token = %(held)s AND t.lease_expires_at > now()
RETURNING t.id, t.public_id, a.id, a.instructions, a.company_name, a.glossary
"""
_CHAT = "SELECT id FROM chat WHERE thread_id = %(thread)s"


async def hold(transaction: Transaction, thread_id: int, lease: UUID, seconds: int) -> float:
    """Keep a thread for a turn that waits; until when, in seconds since 1970."""
    keys = {"thread": thread_id, "lease": lease, "seconds": seconds}
    rows = await (await transaction.execute(_HOLD, keys)).fetchall()
    return float(rows[0][0])


async def insert_answer(transaction: Transaction, thread_id: int, answer_id: str) -> int:
    """An answer in progress behind what was said; its row."""
    keys = {"thread": thread_id, "answer_id": answer_id}
    rows = await (await transaction.execute(_INSERT_ANSWER, keys)).fetchall()
    return int(rows[0][0])


async def keep_receipt(
    transaction: Transaction, message_id: int, documents: Sequence[int], receipt: ReceiptOut
) -> None:
    """Keep how an answer came about so far; its end replaces it."""
    kept = {"message": message_id, "documents": list(documents), "receipt": Jsonb(receipt)}
    await transaction.execute(turn_queries.KEEP_RECEIPT, kept)


async def take(
    transaction: Transaction, keys: Mapping[str, Any], lease: UUID, seconds: int
) -> Room | None:
    """Take the thread of a turn that waits.

    Args:
        transaction: the first of the turn that goes on.
        keys: as `turn_queries.take_thread` has them, and the lease that is `held`.
        lease: the turn's new token.
        seconds: how long it holds unless it is renewed.

    Returns:
        None when it waits no more, or the user may not ask that assistant any more.
    """
    values = {**keys, "lease": lease, "seconds": seconds}
    row = await (await transaction.execute(_TAKE, values)).fetchone()
    return Room(row[0], row[1], Persona(*row[2:])) if row else None


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a turn goes on with: the messages from before its first answer, oldest first."""

    messages: list[tuple[Earlier, str]]
    """With their statuses."""
    collections: list[SearchedCollection]
    chat_id: int


async def resume(
    transaction: Transaction, room: Room, limit: int, before: int, *, searches: bool | None
) -> Resumed:
    """Read again what a turn began with.

    Args:
        transaction: the one that took the thread.
        room: what it took.
        limit: messages read at most, the newest.
        before: the row of the turn's first answer.
        searches: whether documents are read; None: as the assistant has it.
    """
    keys = {"thread": room.thread_id, "limit": limit, "before": before}
    said = await transaction.execute(turn_queries.NEWEST_OF_ANY_STATUS, keys)
    chat = await transaction.execute(_CHAT, {"thread": room.thread_id})
    collections = await turn_queries.collections_of(transaction, room, searches=searches)
    return Resumed(
        messages=[(Earlier(*row[:3]), row[3]) for row in reversed(await said.fetchall())],
        collections=collections,
        chat_id=(await chat.fetchall())[0][0],
    )
