"""The statements of a turn, as few as there can be: every one costs the server CPU and a wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.db import Transaction
from aiconvokit.files.expiry_queries import IS_ALIVE, TOUCH
from aiconvokit.ids import public_id
from aiconvokit.retrieval.types import SearchedCollection


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


@dataclass(frozen=True, slots=True)
class Saying:
    """A message that is whole when it comes; `attachments` as an OpenAI client named them."""

    role: Literal["user", "assistant"]
    content: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[Mapping[str, Any]] | None = None


# Who may ask, and that nobody else is at it, in one step; nothing comes back where either fails.
# A thread that may have no chat yet, with any assistant of the user's.
_TAKE_THREAD = """
WITH a AS (
    SELECT id, instructions, company_name, glossary FROM assistant
    WHERE id = %(assistant)s AND (owner_id = %(user)s OR %(shared)s) FOR KEY SHARE
)
UPDATE thread t
SET lease_token = %(lease)s, lease_expires_at = now() + make_interval(secs => %(seconds)s)
FROM a
WHERE t.id = %(thread)s AND t.owner_id = %(user)s AND t.origin = %(origin)s
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
_INTERRUPT_FREED = """
UPDATE message SET status = 'interrupted'
WHERE thread_id IN (SELECT id FROM freed) AND status = 'in_progress'
"""
_GIVE_BACK = f"""
WITH freed AS (
    UPDATE thread t SET lease_token = NULL, lease_expires_at = NULL
    WHERE t.id = coalesce(%(thread)s, (SELECT thread_id FROM chat WHERE id = %(chat)s))
      AND t.lease_token = %(lease)s
    RETURNING t.id
)
{_INTERRUPT_FREED}"""  # noqa: S608  # ours, above
_THREAD_EXISTS = "SELECT EXISTS (SELECT FROM thread WHERE id = %(thread)s)"
# An answer that is still unfinished when the lease is new lost its process.
_INSERT_ANSWER = """
WITH lost AS (
    UPDATE message SET status = 'interrupted'
    WHERE thread_id = %(thread)s AND status = 'in_progress'
)
INSERT INTO message (public_id, thread_id, role, status, content)
VALUES (%(answer_id)s, %(thread)s, 'assistant', 'in_progress', '')
RETURNING id
"""
_INSERT_MESSAGE = """
INSERT INTO message (public_id, thread_id, role, status, content, metadata, attachments)
VALUES (%(id)s, %(thread)s, %(role)s, 'complete', %(content)s, %(metadata)s, %(attachments)s)
"""
# The first assistant that is asked in a thread is its chat's.
ENSURE_CHAT = """
INSERT INTO chat (thread_id, assistant_id) VALUES (%(thread)s, %(assistant)s)
ON CONFLICT (thread_id) DO UPDATE SET thread_id = EXCLUDED.thread_id RETURNING id
"""
NEWEST_OF_ANY_STATUS = """
SELECT role, content, citations, status FROM message
WHERE thread_id = %(thread)s AND id < coalesce(%(before)s, 9223372036854775807)
ORDER BY id DESC LIMIT %(limit)s
"""
# What the assistant reads, and after it what the thread brings; neither where it does not search.
_COLLECTIONS = f"""
SELECT c.id, c.space_id, c.language, c.chunk_count, c.indexed_space_id, c.expires_after_days
FROM assistant a
CROSS JOIN LATERAL (
    SELECT l.collection_id, l.position FROM assistant_collection l WHERE l.assistant_id = a.id
    UNION ALL
    SELECT t.collection_id, NULL FROM thread t
    WHERE t.id = %(thread)s AND t.collection_id IS NOT NULL
      AND t.collection_id NOT IN (
          SELECT l.collection_id FROM assistant_collection l WHERE l.assistant_id = a.id)
) AS one
JOIN collection c ON c.id = one.collection_id
WHERE a.id = %(assistant)s AND coalesce(%(searches)s::boolean, a.searches)
  AND {IS_ALIVE}
ORDER BY one.position
"""  # noqa: S608  # ours, above
# In the order in which deletions lock them.
_HOLD_DOCUMENTS = """
SELECT id FROM document WHERE id = ANY(%(documents)s) ORDER BY id FOR KEY SHARE
"""
# A turn that waited has one already; what it held words of, calls of functions may hold still.
KEEP_RECEIPT = """
INSERT INTO receipt (message_id, document_ids, content)
VALUES (%(message)s, %(documents)s, %(receipt)s)
ON CONFLICT (message_id) DO UPDATE SET
    content = excluded.content,
    document_ids = ARRAY(SELECT DISTINCT unnest(receipt.document_ids || excluded.document_ids))
"""
_FINISH = f"""
WITH kept AS ({KEEP_RECEIPT})
UPDATE message
SET status = %(status)s, content = %(content)s, model = %(model)s,
    finish_reason = %(finish_reason)s, error_code = %(error_code)s, usage = %(usage)s,
    citations = %(citations)s, claims = %(claims)s, milliseconds = %(milliseconds)s
WHERE id = %(message)s
"""  # noqa: S608  # ours, above
# A turn renews its lease while it lives, so an expired one is a dead process's.
_INTERRUPT_LOST = text(
    f"""
    WITH freed AS (
        UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
        WHERE lease_token IS NOT NULL AND lease_expires_at < now() RETURNING id
    )
    {_INTERRUPT_FREED}"""  # noqa: S608  # as above
)
_INTERRUPT_LEFT = text(
    f"""
    WITH freed AS (
        UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
        WHERE id = ANY(:threads) AND (lease_token IS NULL OR lease_expires_at < now()) RETURNING id
    )
    {_INTERRUPT_FREED}"""  # noqa: S608  # as above
)


async def take_thread(
    transaction: Transaction, keys: Mapping[str, Any], lease: UUID, seconds: int
) -> Room | None:
    """Take a thread that is free or whose lease ran out.

    Args:
        transaction: the turn's first.
        keys: `thread`, `assistant`, `user`, the thread's `origin`, and whether assistants are
            `shared`.
        lease: the turn's own token.
        seconds: how long the lease holds unless it is renewed.

    Returns:
        None when there is no such thread or assistant for this user, or another turn holds it.
    """
    values = {**keys, "lease": lease, "seconds": seconds}
    row = await (await transaction.execute(_TAKE_THREAD, values)).fetchone()
    return Room(row[0], row[1], Persona(*row[2:])) if row else None


async def renew_lease(transaction: Transaction, thread_id: int, lease: UUID, seconds: int) -> bool:
    """Hold a lease for longer; False when it was lost."""
    keys = {"thread": thread_id, "lease": lease, "seconds": seconds}
    return await (await transaction.execute(_RENEW_LEASE, keys)).fetchone() is not None


async def release_lease(transaction: Transaction, thread_id: int, lease: UUID) -> bool:
    """Give a lease back; False when it was lost."""
    keys = {"thread": thread_id, "lease": lease}
    return await (await transaction.execute(_RELEASE_LEASE, keys)).fetchone() is not None


async def give_back(
    connection: Transaction,
    lease: UUID,
    *,
    chat_id: int | None = None,
    thread_id: int | None = None,
) -> None:
    """Free a thread, or a chat's, of a turn of which nobody knows whether it began."""
    keys = {"chat": chat_id, "thread": thread_id, "lease": lease}
    await connection.execute(_GIVE_BACK, keys)


async def thread_exists(transaction: Transaction, thread_id: int) -> bool:
    """Whether a thread is still there."""
    row = await (await transaction.execute(_THREAD_EXISTS, {"thread": thread_id})).fetchone()
    return row is not None and bool(row[0])


async def interrupt_lost(session: AsyncSession) -> int:
    """Free the threads of processes that died; how many answers were left unfinished by them."""
    result = await session.execute(_INTERRUPT_LOST)
    return cast("CursorResult[Any]", result).rowcount


async def interrupt_left(session: AsyncSession, thread_ids: Sequence[int]) -> None:
    """Free those of some threads that no process holds, and end the answers that are left there."""
    await session.execute(_INTERRUPT_LEFT, {"threads": list(thread_ids)})


@dataclass(frozen=True, slots=True)
class Begun:
    """What a turn begins with; `row` and `message_id` are those of its answer."""

    history: list[Earlier]
    collections: list[SearchedCollection]
    row: int
    message_id: str


async def insert_messages(transaction: Transaction, room: Room, messages: Sequence[Saying]) -> None:
    """Append messages to the thread that a turn holds."""
    for one in messages:
        attached = Jsonb(list(one.attachments)) if one.attachments else None
        values = {"id": public_id("msg"), "thread": room.thread_id, "attachments": attached}
        said = {"role": one.role, "content": one.content, "metadata": Jsonb(dict(one.metadata))}
        await transaction.execute(_INSERT_MESSAGE, {**values, **said})


@dataclass(frozen=True, slots=True)
class BegunInThread:
    """What a turn begins with whose question was stored before; `messages` are oldest first."""

    messages: list[tuple[Earlier, str]]
    """With their statuses; the newest."""
    collections: list[SearchedCollection]
    chat_id: int
    row: int
    message_id: str


async def begin_in_thread(
    transaction: Transaction, room: Room, limit: int, *, searches: bool | None
) -> BegunInThread:
    """Store an answer in progress behind what was said; make the thread a chat if it is none.

    Args:
        transaction: the one that took the lease.
        room: what it took.
        limit: messages read at most, the newest.
        searches: whether documents are read; None: as the assistant has it.
    """
    answer_id = public_id("msg")
    keys = {**_keys(room, limit), "searches": searches, "answer_id": answer_id}
    said = await transaction.execute(NEWEST_OF_ANY_STATUS, {**keys, "before": None})
    inserted = await transaction.execute(_INSERT_ANSWER, keys)
    chat = await transaction.execute(ENSURE_CHAT, keys)
    collections = await transaction.execute(_COLLECTIONS, keys)
    return BegunInThread(
        messages=[(Earlier(*row[:3]), row[3]) for row in reversed(await said.fetchall())],
        collections=await _searched(transaction, await collections.fetchall()),
        chat_id=(await chat.fetchall())[0][0],
        row=(await inserted.fetchall())[0][0],
        message_id=answer_id,
    )


def _keys(room: Room, limit: int) -> dict[str, Any]:
    room_keys = {"thread": room.thread_id, "assistant": room.persona.id}
    return {**room_keys, "limit": limit, "searches": None}


async def collections_of(
    transaction: Transaction, room: Room, *, searches: bool | None
) -> list[SearchedCollection]:
    """What is read in a thread; `searches` None: as the assistant has it."""
    keys = {"thread": room.thread_id, "assistant": room.persona.id, "searches": searches}
    found = await transaction.execute(_COLLECTIONS, keys)
    return await _searched(transaction, await found.fetchall())


async def _searched(
    transaction: Transaction, rows: Sequence[Sequence[Any]]
) -> list[SearchedCollection]:
    """The collections of some rows; those that expire do so later for being read."""
    expiring = [row[0] for row in rows if row[5] is not None]
    if expiring:
        await transaction.execute(TOUCH, {"collections": expiring})
    return [SearchedCollection(*row[:5]) for row in rows]


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
    kept = {"documents": list(documents), "receipt": Jsonb(receipt)}
    await transaction.execute(_FINISH, {**as_columns(ended), **kept, "message": message_id})


def as_columns(ended: Mapping[str, Any]) -> dict[str, Any]:
    """How an answer ended, as its row takes it."""
    return {
        name: Jsonb(value) if name in _JSON and value is not None else value
        for name, value in ended.items()
    }


_JSON = {"usage", "citations", "claims", "milliseconds"}
