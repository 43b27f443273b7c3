"""Statements of imports: what is there already, and rows that are new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb

Connection = AsyncConnection[Any]
AT_ONCE = 5_000
"""Names that are looked up together."""

_USER = 'SELECT id, created_at FROM "user" WHERE username = %s'
# The name and the owner of each table's rows: who has what an export has, too.
_THERE: Mapping[str, LiteralString] = {
    "collection": "SELECT public_id, id, owner_id FROM collection WHERE public_id = ANY(%s)",
    "file": "SELECT public_id, id, owner_id FROM file WHERE public_id = ANY(%s)",
    "document": """
        SELECT d.public_id, d.id, c.owner_id FROM document d
        JOIN collection c ON c.id = d.collection_id WHERE d.public_id = ANY(%s)
    """,
    "file_batch": """
        SELECT b.public_id, b.id, c.owner_id FROM file_batch b
        JOIN collection c ON c.id = b.collection_id WHERE b.public_id = ANY(%s)
    """,
    "assistant": "SELECT openai_id, id, owner_id FROM assistant WHERE openai_id = ANY(%s)",
    "widget": "SELECT key, id, owner_id FROM widget WHERE key = ANY(%s)",
    "thread": "SELECT public_id, id, owner_id FROM thread WHERE public_id = ANY(%s)",
    "chat": """
        SELECT t.public_id, c.id, t.owner_id FROM chat c JOIN thread t ON t.id = c.thread_id
        WHERE t.public_id = ANY(%s)
    """,
    "message": """
        SELECT m.public_id, m.id, t.owner_id FROM message m JOIN thread t ON t.id = m.thread_id
        WHERE m.public_id = ANY(%s)
    """,
    "run": """
        SELECT r.public_id, r.id, t.owner_id FROM run r JOIN thread t ON t.id = r.thread_id
        WHERE r.public_id = ANY(%s)
    """,
}
_SAME_CONTENTS = """
SELECT encode(sha256, 'hex'), public_id, id FROM file
WHERE owner_id = %s AND purpose IS NULL AND sha256 = ANY(%s)
"""
_GIVEN = """
SELECT name, coalesce(pg_sequence_last_value(
           CAST(pg_get_serial_sequence(quote_ident(name), 'id') AS regclass)), 0)
FROM unnest(CAST(%s AS text[])) AS name
"""
_SET_ASIDE = """
SELECT setval(CAST(pg_get_serial_sequence(quote_ident(%s), 'id') AS regclass), %s)
"""
LOCK: LiteralString = "hashtextextended('aiconvokit.import', 0)"
_LOCK = f"SELECT pg_try_advisory_lock({LOCK})"
_STATE = "SELECT id, version, ready_version, error_code FROM document WHERE public_id = %s"
_FINISH = """
UPDATE document
SET version = %(version)s, status = %(status)s, error_code = %(error_code)s,
    error_detail = %(error_detail)s, page_count = coalesce(%(page_count)s, page_count),
    names = CAST(%(names)s AS tsvector), created_at = %(created_at)s, updated_at = %(updated_at)s
WHERE id = %(id)s AND version = %(carried)s AND ready_version = %(carried)s
  AND (version <> %(version)s OR names <> CAST(%(names)s AS tsvector))
"""
# Those that an operator must mend something for wait, and are not waited for.
_UNREAD = """
SELECT id FROM document WHERE id = ANY(%s) AND status IN ('queued', 'processing')
  AND coalesce(error_code, '') NOT IN ('embedder_misconfigured', 'embedder_unavailable')
"""
_NOT_READY = """
SELECT filename, error_code, error_detail FROM document
WHERE id = ANY(%s) AND status <> 'ready' ORDER BY id
"""
# Idempotent: an import may be done again, and some of the days may have been spent here, too.
_ADD_USAGE = """
INSERT INTO usage_day AS u (owner_id, day, assistant_id, questions, prompt_tokens,
                            completion_tokens)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (owner_id, day, assistant_id) DO UPDATE SET
    questions = greatest(u.questions, excluded.questions),
    prompt_tokens = greatest(u.prompt_tokens, excluded.prompt_tokens),
    completion_tokens = greatest(u.completion_tokens, excluded.completion_tokens)
"""
_INSERT_DELETION = """
INSERT INTO deletion (id, owner_id, kind, object_id, public_id, removed, created_at)
VALUES (%(id)s, %(owner_id)s, %(kind)s, %(object_id)s, %(public_id)s, %(removed)s, %(created_at)s)
ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Who gets an export, and what of it is there: by table, public id -> number.

    `same_files` are files of theirs with the content of one of the export, under another name: by
    SHA-256, the public id and the number.
    """

    user_id: int
    made_at: datetime
    there: dict[str, dict[str, int]]
    foreign: dict[str, str]
    """By table, one that somebody else has."""
    same_files: dict[str, tuple[str, int]]


async def target_of(
    connection: Connection,
    name: str,
    wanted: Mapping[str, Iterable[str]],
    contents: Mapping[str, str],
) -> Target | None:
    """Look up who gets an export, and what is there; None: there is no such user.

    Args:
        connection: of the owner.
        name: whose it becomes.
        wanted: public ids by table.
        contents: the public ids of files of documents, by SHA-256.
    """
    row = await (await connection.execute(_USER, [name])).fetchone()
    if row is None:
        return None
    user_id = int(row[0])
    found = Target(user_id, row[1], {}, {}, {})
    for table, statement in _THERE.items():
        ids = list(wanted.get(table, ()))
        there = found.there.setdefault(table, {})
        for start in range(0, len(ids), AT_ONCE):
            rows = await connection.execute(statement, [ids[start : start + AT_ONCE]])
            for public_id, number, owner_id in await rows.fetchall():
                if owner_id == user_id:
                    there[public_id] = number
                else:
                    found.foreign[table] = public_id
    digests = [bytes.fromhex(one) for one in contents]
    for digest, public_id, number in await (
        await connection.execute(_SAME_CONTENTS, [user_id, digests])
    ).fetchall():
        if contents[digest] != public_id:
            found.same_files[digest] = public_id, number
    return found


async def lock(connection: Connection) -> bool:
    """Let nobody else import until the connection closes; False: somebody does."""
    row = await (await connection.execute(_LOCK)).fetchone()
    return bool(row and row[0])


async def given(connection: Connection, tables: Sequence[str]) -> dict[str, int]:
    """The largest numbers that some tables gave."""
    return dict(await (await connection.execute(_GIVEN, [list(tables)])).fetchall())


async def hold(connection: Connection, tables: Sequence[str]) -> None:
    """Let no row be added to some tables until the transaction ends."""
    await connection.execute("SET LOCAL lock_timeout = '10s'")
    held = sql.SQL(", ").join(map(sql.Identifier, tables))
    await connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(held))


async def set_aside(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Give numbers up to these to nobody else."""
    for table, number in numbers.items():
        if number:
            await connection.execute(_SET_ASIDE, [table, number])


async def insert(connection: Connection, table: str, *rows: Mapping[str, Any]) -> None:
    """Add rows of the same columns; JSON is `Jsonb` already."""
    if not rows:
        return
    names = list(rows[0])
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(statement, rows)


def json(value: object) -> Jsonb | None:
    """A value for a column of JSON; None is null."""
    return None if value is None else Jsonb(value)


@dataclass(frozen=True, slots=True)
class State:
    """A document as it is here."""

    id: int
    version: int
    ready_version: int | None
    error_code: str | None


async def state_of(connection: Connection, public_id: str) -> State | None:
    """How a document stands; None: it is not there."""
    row = await (await connection.execute(_STATE, [public_id])).fetchone()
    return State(*row) if row else None


async def finish(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Let a document that was made searchable be as it was; False: it is, or was changed."""
    return (await connection.execute(_FINISH, values)).rowcount > 0


async def unread(connection: Connection, document_ids: Sequence[int]) -> set[int]:
    """Which of some documents wait to be read."""
    rows = await (await connection.execute(_UNREAD, [list(document_ids)])).fetchall()
    return {row[0] for row in rows}


async def not_ready(connection: Connection, document_ids: Sequence[int]) -> list[Sequence[Any]]:
    """Of some documents those that are not searchable: file name, code and sentence."""
    return await (await connection.execute(_NOT_READY, [list(document_ids)])).fetchall()


async def insert_deletion(connection: Connection, values: Mapping[str, Any]) -> None:
    """Write down what was deleted elsewhere, unless it is."""
    await connection.execute(_INSERT_DELETION, values)


async def add_usage(connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
    """Count what was asked elsewhere."""
    async with connection.cursor() as cursor:
        await cursor.executemany(_ADD_USAGE, rows)
