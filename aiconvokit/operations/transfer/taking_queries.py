"""Statements of exports: all that is one user's, of one moment, in the shape of `records`.

Their columns come in the order of the fields. What is in work is told as a dead process leaves it,
once it was cleared up after.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.rows import TupleRow

from aiconvokit.db import CONNECT_SECONDS, libpq_url
from aiconvokit.operations.transfer.errors import TransferError

Connection = psycopg.AsyncConnection[TupleRow]

# Who is not the owner of the tables must be refused, and not see less than all.
_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    """
    SELECT set_config('statement_timeout', '0', true), set_config('row_security', 'off', true),
           set_config('idle_in_transaction_session_timeout', '0', true),
           set_config('timezone', 'UTC', true)
    """,
)
# Who somebody is, whatever they are called: no two servers make two users in one moment.
_USER = """
SELECT id, encode(sha256(convert_to(format('%%s %%s', id, extract(epoch FROM created_at)), 'UTF8')),
                  'hex')
FROM "user" WHERE username = %s
"""
_CONTENTS = """
SELECT encode(sha256, 'hex'), min(size) FROM file WHERE owner_id = %s GROUP BY sha256 ORDER BY 1
"""
_DOCUMENTS = """
SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id WHERE c.owner_id = %s
"""

ROWS: Mapping[str, LiteralString] = {
    "files": """
        SELECT public_id, id, encode(sha256, 'hex'), size, filename, media_type, purpose, created_at
        FROM file WHERE owner_id = %(user)s ORDER BY id
    """,
    "vector_stores": """
        SELECT public_id, id, name, language, metadata, expires_after_days, last_active_at,
               created_at
        FROM collection WHERE owner_id = %(user)s ORDER BY id
    """,
    "documents": """
        SELECT d.public_id, d.id, c.public_id, f.public_id, d.filename, d.media_type, d.title,
               d.version, d.ready_version,
               CASE WHEN d.ready_version = d.version THEN 'ready'
                    WHEN d.status = 'failed' THEN 'failed' ELSE 'queued' END,
               CASE WHEN d.status = 'failed' THEN d.error_code END,
               CASE WHEN d.status = 'failed' THEN d.error_detail END,
               d.page_count, d.attributes, d.chunking, CAST(d.names AS text),
               d.password IS NOT NULL, d.created_at, d.updated_at
        FROM document d JOIN collection c ON c.id = d.collection_id JOIN file f ON f.id = d.file_id
        WHERE c.owner_id = %(user)s ORDER BY d.id
    """,
    "pages": """
        SELECT d.public_id, p.version, p.number, p.label, p.text
        FROM collection c JOIN document d ON d.collection_id = c.id
        JOIN page p ON p.document_id = d.id
        WHERE c.owner_id = %(user)s AND (p.version = d.ready_version OR p.version < d.version)
        ORDER BY d.id, p.version, p.number
    """,
    "passages": """
        SELECT d.public_id, k.ordinal, k.page, k.start_offset, k.end_offset, k.heading, k.context,
               k.number_density, coalesce(k.tokens, length(k.content) / 4)
        FROM collection c JOIN document d ON d.collection_id = c.id
        JOIN chunk k ON k.collection_id = c.id AND k.document_id = d.id
        WHERE c.owner_id = %(user)s AND d.ready_version IS NOT NULL ORDER BY d.id, k.ordinal
    """,
    "batches": """
        SELECT b.public_id, b.id, c.public_id,
               ARRAY(SELECT d.public_id FROM file_batch_document l
                     JOIN document d ON d.id = l.document_id
                     WHERE l.batch_id = b.id ORDER BY d.id),
               b.cancelled_at, b.created_at
        FROM file_batch b JOIN collection c ON c.id = b.collection_id
        WHERE c.owner_id = %(user)s ORDER BY b.id
    """,
    "assistants": """
        SELECT a.openai_id, a.id, a.name, a.company_name, a.instructions, a.glossary, a.description,
               a.model, a.searches, a.options, a.metadata,
               (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.public_id, 'position',
                                                             l.position)
                                          ORDER BY l.position, c.id), '[]')
                FROM assistant_collection l JOIN collection c ON c.id = l.collection_id
                WHERE l.assistant_id = a.id AND c.owner_id = a.owner_id),
               a.created_at, a.updated_at
        FROM assistant a WHERE a.owner_id = %(user)s ORDER BY a.id
    """,
    "widgets": """
        SELECT w.key, w.id, a.openai_id, w.title, w.color, w.greeting, w.suggestions, w.language,
               w.origins, w.shows_pictures, w.is_paused, w.messages_per_day, w.tokens_per_day,
               w.visitor_messages_per_day, w.visitor_tokens_per_day, w.created_at, w.updated_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                        'day', u.day, 'visitor', u.visitor, 'messages', u.messages,
                        'tokens', u.tokens) ORDER BY u.day, u.visitor), '[]')
                FROM widget_usage u WHERE u.widget_id = w.id)
        FROM widget w JOIN assistant a ON a.id = w.assistant_id
        WHERE w.owner_id = %(user)s AND a.owner_id = w.owner_id ORDER BY w.id
    """,
    # A chat with somebody else's assistant, on a server that shares them, comes as a thread.
    "threads": """
        SELECT t.public_id, t.id, t.title, t.origin, t.metadata, c.public_id, t.created_at,
               CASE WHEN a.id IS NOT NULL THEN jsonb_build_object(
                   'number', h.id, 'assistant', a.openai_id, 'created_at', h.created_at,
                   'widget', w.key, 'visitor', v.visitor) END
        FROM thread t
        LEFT JOIN collection c ON c.id = t.collection_id AND c.owner_id = t.owner_id
        LEFT JOIN chat h ON h.thread_id = t.id
        LEFT JOIN assistant a ON a.id = h.assistant_id AND a.owner_id = t.owner_id
        LEFT JOIN widget_chat v ON v.chat_id = h.id
        LEFT JOIN widget w ON w.id = v.widget_id
        WHERE t.owner_id = %(user)s ORDER BY t.id
    """,
    "messages": """
        SELECT m.public_id, m.id, t.public_id, m.role,
               CASE m.status WHEN 'in_progress' THEN 'interrupted' ELSE m.status END,
               m.content, m.model, m.finish_reason, m.error_code, m.usage, m.citations, m.claims,
               m.milliseconds, m.rating, m.metadata, m.attachments, m.created_at,
               r.content, r.document_ids
        FROM thread t JOIN message m ON m.thread_id = t.id
        LEFT JOIN receipt r ON r.message_id = m.id
        WHERE t.owner_id = %(user)s ORDER BY t.id, m.id
    """,
    "runs": """
        SELECT r.public_id, r.id, t.public_id, r.assistant_id, m.public_id, r.parameters,
               r.metadata, r.cancelled_at, r.created_at
        FROM thread t JOIN run r ON r.thread_id = t.id LEFT JOIN message m ON m.id = r.message_id
        WHERE t.owner_id = %(user)s ORDER BY t.id, r.id
    """,
    "usage": """
        SELECT day, assistant_id, questions, prompt_tokens, completion_tokens
        FROM usage_day WHERE owner_id = %(user)s ORDER BY day, assistant_id
    """,
    "deletions": """
        SELECT id, kind, object_id, public_id, removed, created_at
        FROM deletion WHERE owner_id = %(user)s ORDER BY id
    """,
}
"""By kind."""


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the owner, without transactions of its own.

    Raises:
        TransferError: the database is away, or refuses a statement.
    """
    try:
        async with await psycopg.AsyncConnection.connect(
            libpq_url(database_url), connect_timeout=CONNECT_SECONDS, autocommit=True
        ) as connection:
            yield connection
    except psycopg.Error as error:
        # Its detail may hold what stands in rows.
        said = error.diag.message_primary or str(error).strip().partition("\n")[0]
        raise TransferError(f"The database says: {said}") from error


async def begin_snapshot(connection: Connection) -> None:
    """Begin a transaction that sees one moment."""
    for statement in _BEGIN:
        await connection.execute(statement)


async def user(connection: Connection, name: str) -> tuple[int, str] | None:
    """The user of that exact name: the id, and what tells them from all others anywhere."""
    row = await (await connection.execute(_USER, [name])).fetchone()
    return (int(row[0]), str(row[1])) if row else None


async def contents(connection: Connection, user_id: int) -> dict[str, int]:
    """The sizes in bytes of a user's contents, by their digests."""
    return dict(await (await connection.execute(_CONTENTS, [user_id])).fetchall())


async def document_numbers(connection: Connection, user_id: int) -> set[int]:
    """The ids of a user's documents."""
    rows = await (await connection.execute(_DOCUMENTS, [user_id])).fetchall()
    return {row[0] for row in rows}


async def rows(connection: Connection, kind: str, user_id: int) -> AsyncIterator[Sequence[Any]]:
    """All of a kind, one after the other."""
    async with connection.cursor() as cursor:
        async for row in cursor.stream(ROWS[kind], {"user": user_id}):
            yield row
