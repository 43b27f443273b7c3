"""The statements of a turn, as few as there can be: every one costs the server CPU and a wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from aiconvokit.assistants.queries import searched_collection
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.db import Transaction
from aiconvokit.ids import public_id
from ingestion.tables import Collection


@dataclass(frozen=True, slots=True)
class Persona:
    """What a turn needs of its assistant."""

    id: int
    instructions: str
    company_name: str
    glossary: list[dict[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Room:
    """The thread that a turn holds."""

    thread_id: int
    thread_public_id: str
    persona: Persona


@dataclass(frozen=True, slots=True)
class Earlier:
    """A stored message; `citations` are those of an answer."""

    role: str
    content: str
    citations: list[dict[str, Any]] | None


# Who may ask, and that nobody else is at it, in one step; nothing comes back where either fails.
_TAKE_LEASE = """
UPDATE thread t
SET lease_token = %(lease)s, lease_expires_at = now() + make_interval(secs => %(seconds)s)
FROM chat c JOIN assistant a ON a.id = c.assistant_id
WHERE c.id = %(chat)s AND c.assistant_id = %(assistant)s AND t.id = c.thread_id
  AND t.owner_id = %(user)s AND t.origin = %(origin)s AND (a.owner_id = %(user)s OR %(shared)s)
  AND (t.lease_token IS NULL OR t.lease_expires_at < now())
RETURNING t.id, t.public_id, a.id, a.instructions, a.company_name, a.glossary
"""
_RENEW_LEASE = """
UPDATE thread SET lease_expires_at = now() + make_interval(secs => %(seconds)s)
WHERE id = %(thread)s AND lease_token = %(lease)s RETURNING id
"""
_RELEASE_LEASE = """
UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
WHERE id = %(thread)s AND lease_token = %(lease)s RETURNING id
"""
_GIVE_BACK = """
WITH freed AS (
    UPDATE thread t SET lease_token = NULL, lease_expires_at = NULL
    FROM chat c WHERE c.id = %(chat)s AND t.id = c.thread_id AND t.lease_token = %(lease)s
    RETURNING t.id
)
UPDATE message SET status = 'interrupted'
WHERE thread_id IN (SELECT id FROM freed) AND status = 'in_progress'
"""
_THREAD_EXISTS = "SELECT EXISTS (SELECT FROM thread WHERE id = %(thread)s)"
# An answer that is still unfinished when the lease is new lost its process.
_INSERT_MESSAGES = """
WITH lost AS (
    UPDATE message SET status = 'interrupted'
    WHERE thread_id = %(thread)s AND status = 'in_progress'
)
INSERT INTO message (public_id, thread_id, role, status, content)
VALUES (%(question_id)s, %(thread)s, 'user', 'complete', %(question)s),
       (%(answer_id)s, %(thread)s, 'assistant', 'in_progress', '')
RETURNING id
"""
_NEWEST_MESSAGES = """
SELECT role, content, citations FROM message
WHERE thread_id = %(thread)s AND status = 'complete' ORDER BY id DESC LIMIT %(limit)s
"""
_COLLECTIONS = """
SELECT c.id, c.space_id, c.language, c.chunk_count, c.indexed_space_id
FROM assistant_collection a JOIN collection c ON c.id = a.collection_id
WHERE a.assistant_id = %(assistant)s ORDER BY a.position
"""
# In the order in which deletions lock them.
_HOLD_DOCUMENTS = """
SELECT id FROM document WHERE id = ANY(%(documents)s) ORDER BY id FOR KEY SHARE
"""
_FINISH = """
WITH kept AS (
    INSERT INTO receipt (message_id, document_ids, content)
    VALUES (%(message)s, %(documents)s, %(receipt)s)
)
UPDATE message
SET status = %(status)s, content = %(content)s, model = %(model)s,
    finish_reason = %(finish_reason)s, error_code = %(error_code)s, usage = %(usage)s,
    citations = %(citations)s, claims = %(claims)s, milliseconds = %(milliseconds)s
WHERE id = %(message)s
"""
# A turn renews its lease while it lives, so an expired one is a dead process's.
_INTERRUPT_LOST = """
WITH freed AS (
    UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
    WHERE lease_token IS NOT NULL AND lease_expires_at < now() RETURNING id
)
UPDATE message SET status = 'interrupted'
WHERE thread_id IN (SELECT id FROM freed) AND status = 'in_progress'
"""


async def take_lease(
    transaction: Transaction, keys: Mapping[str, Any], lease: UUID, seconds: int
) -> Room | None:
    """Take a thread that is free or whose lease ran out.

    Args:
        transaction: the turn's first.
        keys: `chat`, `assistant`, `user`, the thread's `origin`, and whether assistants are
            `shared`.
        lease: the turn's own token.
        seconds: how long the lease holds unless it is renewed.

    Returns:
        None when there is no such chat for this user, or another turn holds it.
    """
    values = {**keys, "lease": lease, "seconds": seconds}
    row = await (await transaction.execute(_TAKE_LEASE, values)).fetchone()
    return Room(row[0], row[1], Persona(*row[2:])) if row else None


async def renew_lease(transaction: Transaction, thread_id: int, lease: UUID, seconds: int) -> bool:
    """Hold a lease for longer; False when it was lost."""
    keys = {"thread": thread_id, "lease": lease, "seconds": seconds}
    return await (await transaction.execute(_RENEW_LEASE, keys)).fetchone() is not None


async def release_lease(transaction: Transaction, thread_id: int, lease: UUID) -> bool:
    """Give a lease back; False when it was lost."""
    keys = {"thread": thread_id, "lease": lease}
    return await (await transaction.execute(_RELEASE_LEASE, keys)).fetchone() is not None


async def give_back(connection: Transaction, chat_id: int, lease: UUID) -> None:
    """Free a chat's thread of a turn of which nobody knows whether it began."""
    await connection.execute(_GIVE_BACK, {"chat": chat_id, "lease": lease})


async def thread_exists(transaction: Transaction, thread_id: int) -> bool:
    """Whether a thread is still there."""
    row = await (await transaction.execute(_THREAD_EXISTS, {"thread": thread_id})).fetchone()
    return row is not None and bool(row[0])


async def interrupt_lost(transaction: Transaction) -> int:
    """Free the threads of processes that died; how many answers were left unfinished by them."""
    return (await transaction.execute(_INTERRUPT_LOST)).rowcount


@dataclass(frozen=True, slots=True)
class Begun:
    """What a turn begins with; `row` and `message_id` are those of its answer."""

    history: list[Earlier]
    collections: list[Collection]
    row: int
    message_id: str


async def begin(transaction: Transaction, room: Room, question: str, limit: int) -> Begun:
    """Store the question, and an answer in progress behind it; read what was said before.

    Args:
        transaction: the one that took the lease.
        room: what it took.
        question: what is asked.
        limit: messages read at most, the newest.
    """
    answer_id = public_id("msg")
    keys = {"thread": room.thread_id, "assistant": room.persona.id, "limit": limit}
    said = {"question_id": public_id("msg"), "question": question, "answer_id": answer_id}
    earlier = await transaction.execute(_NEWEST_MESSAGES, keys)
    inserted = await transaction.execute(_INSERT_MESSAGES, {**keys, **said})
    collections = await transaction.execute(_COLLECTIONS, keys)
    return Begun(
        history=[Earlier(*row) for row in reversed(await earlier.fetchall())],
        row=max(row[0] for row in await inserted.fetchall()),
        collections=[searched_collection(row) for row in await collections.fetchall()],
        message_id=answer_id,
    )


async def hold_documents(transaction: Transaction, document_ids: Sequence[int]) -> set[int]:
    """Which of some documents are there; they stay until the transaction ends."""
    rows = await transaction.execute(_HOLD_DOCUMENTS, {"documents": list(document_ids)})
    return {row[0] for row in await rows.fetchall()}


async def finish(
    transaction: Transaction,
    message_id: int,
    ended: Mapping[str, Any],
    documents: Sequence[int],
    receipt: ReceiptOut,
) -> None:
    """Write how an answer ended, and keep how it came about.

    Args:
        transaction: the turn's last.
        message_id: the answer's row.
        ended: a value for each column but those that it began with.
        documents: ids of those whose words the receipt holds.
        receipt: what is kept.
    """
    values = {
        name: Jsonb(value) if name in _JSON and value is not None else value
        for name, value in ended.items()
    }
    kept = {"documents": list(documents), "receipt": Jsonb(receipt)}
    await transaction.execute(_FINISH, {**values, **kept, "message": message_id})


_JSON = {"usage", "citations", "claims", "milliseconds"}
