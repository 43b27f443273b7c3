"""Statements of backups: a snapshot that is copied out, and an empty database that is filled."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from aiconvokit.db import CONNECT_SECONDS, libpq_url
from aiconvokit.operations.backup.errors import BackupError
from aiconvokit.operations.backup.manifest import Space

Connection = psycopg.AsyncConnection[TupleRow]
Columns = Sequence[tuple[str, str]]

LEFT_OUT = {"rate_bucket"}
"""What is of no use an hour later."""
_OF_THE_MACHINE = {*LEFT_OUT, "endpoint"}
"""What a server has before anybody was there: `doctor` learns it. A backup's takes its place."""
JOBS = "procrastinate_jobs"
_JOB = {
    *("queue_name", "task_name", "priority", "lock", "queueing_lock"),
    *("args", "status", "scheduled_at", "attempts"),
}
"""Of a job: where it runs, what, and how often it was tried. It gets a number anew."""

# A backup is that of a server on which nobody does anything: whoever did is gone when it is
# restored, and the worker makes the indexes of vectors anew.
_ONLY: Mapping[str, LiteralString] = {
    "idempotency": " WHERE status IS NOT NULL",
    JOBS: " WHERE status IN ('todo', 'doing')",
}
_AT_REST: Mapping[tuple[str, str], LiteralString] = {
    (JOBS, "status"): "CAST('todo' AS procrastinate_job_status)",
    ("collection", "indexed_space_id"): "CAST(NULL AS smallint)",
    ("collection", "removed_since_indexed"): "CAST(0 AS bigint)",
    ("message", "status"): "CASE status WHEN 'in_progress' THEN 'interrupted' ELSE status END",
    ("thread", "lease_token"): "CAST(NULL AS uuid)",
    ("thread", "lease_expires_at"): "CAST(NULL AS timestamptz)",
}

# Who is not the owner of the tables must be refused, and not see less than all.
_SETTINGS = """
SELECT set_config('statement_timeout', '0', true), set_config('row_security', 'off', true),
       set_config('idle_in_transaction_session_timeout', '0', true)
"""
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'"
_SPACES = "SELECT id, provider, model, dim FROM embedding_space ORDER BY id"
_VECTOR_TABLES = """
SELECT 'vec_' || id FROM embedding_space WHERE to_regclass('vec_' || id) IS NOT NULL ORDER BY id
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""
_SEQUENCES = """
SELECT format('%%s.%%s', name, attname), pg_sequence_last_value(
           CAST(pg_get_serial_sequence(quote_ident(name), attname) AS regclass))
FROM unnest(CAST(%s AS text[])) AS name
JOIN pg_attribute ON attrelid = to_regclass(quote_ident(name))
WHERE attidentity <> '' AND attnum > 0 ORDER BY 1
"""
_SET_SEQUENCE = """
SELECT setval(CAST(pg_get_serial_sequence(quote_ident(%(table)s), %(column)s) AS regclass),
              %(value)s, %(is_taken)s)
"""


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Connection]:
    """A connection as the owner, without transactions of its own.

    Raises:
        BackupError: the database is away, or refuses a statement.
    """
    try:
        async with await psycopg.AsyncConnection.connect(
            libpq_url(database_url), connect_timeout=CONNECT_SECONDS, autocommit=True
        ) as connection:
            yield connection
    except psycopg.errors.LockNotAvailable as error:
        raise BackupError(
            "The database is being migrated or restored by another process. Try again later."
        ) from error
    except psycopg.Error as error:
        # Its detail may hold what stands in rows.
        said = error.diag.message_primary or str(error).strip().partition("\n")[0]
        raise BackupError(f"The database says: {said}") from error


async def begin_snapshot(connection: Connection, tables: Sequence[str]) -> Sequence[str]:
    """Begin a transaction that sees one moment of some tables, and of the vectors.

    They are locked before, so that nobody changes or truncates them until it ends.

    Returns:
        the tables that are there, those of vectors last.
    """
    known = [one for one in tables if one not in LEFT_OUT and await columns(connection, one)]
    vectors = [row[0] for row in await (await connection.execute(_VECTOR_TABLES)).fetchall()]
    found = [*known, *vectors]
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    await connection.execute(_LOCK_TIMEOUT)
    locked = sql.SQL(", ").join(map(sql.Identifier, found))
    await connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(locked))
    await connection.execute(_SETTINGS)
    return found


async def begin_loading(connection: Connection) -> None:
    """Begin a transaction beside which nobody registers, and so nobody does anything."""
    await connection.execute("BEGIN")
    await connection.execute(_LOCK_TIMEOUT)
    await connection.execute('LOCK TABLE "user" IN SHARE ROW EXCLUSIVE MODE')
    await connection.execute(_SETTINGS)


async def revision(connection: Connection) -> str | None:
    """That of the schema; None where there is none."""
    found = await connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
    if await found.fetchone() == (False,):
        return None
    row = await (await connection.execute("SELECT version_num FROM alembic_version")).fetchone()
    return row[0] if row else None


async def columns(connection: Connection, table: str) -> list[tuple[str, str]]:
    """Name and type of the columns of a table that are backed up; none: it is not there."""
    rows = await (await connection.execute(_COLUMNS, [table])).fetchall()
    return [(name, kind) for name, kind in rows if table != JOBS or name in _JOB]


async def contents(connection: Connection) -> dict[str, int]:
    """The sizes in bytes of all contents that there are rows of, by their digests."""
    found = await connection.execute("SELECT DISTINCT encode(sha256, 'hex'), size FROM file")
    return dict(await found.fetchall())


async def spaces(connection: Connection) -> list[Space]:
    """All embedding spaces."""
    return [Space(*row) for row in await (await connection.execute(_SPACES)).fetchall()]


async def sequences(connection: Connection, tables: Sequence[str]) -> dict[str, int | None]:
    """The last ids that some tables gave, by "table.column"."""
    found = await connection.execute(_SEQUENCES, [list(tables)])
    return dict(await found.fetchall())


async def clear(connection: Connection, tables: Iterable[str]) -> None:
    """Delete the rows of those of some tables that an empty server may have."""
    for table in _OF_THE_MACHINE.intersection(tables):
        await connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))


def copy_out(table: str, wanted: Columns) -> sql.Composed:
    """The statement that copies a table's rows out, as those of a server at rest."""
    told = (
        sql.SQL(_AT_REST[table, name]) if (table, name) in _AT_REST else sql.Identifier(name)
        for name, _ in wanted
    )
    return sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT binary)").format(
        sql.SQL(", ").join(told), sql.Identifier(table), sql.SQL(_ONLY.get(table, ""))
    )


def copy_in(table: str, wanted: Columns) -> sql.Composed:
    """The statement that takes them in."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name, _ in wanted)
    )


async def first_with_rows(connection: Connection, tables: Sequence[str]) -> str | None:
    """One of some tables with rows that somebody made; None: there is none."""
    for table in tables:
        if table in _OF_THE_MACHINE or not await columns(connection, table):
            continue
        asked = sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(table))
        if (await connection.execute(asked)).rowcount:
            return table
    return None


async def make_spaces(connection: Connection, wanted: Sequence[Space]) -> None:
    """Make the tables of vectors under the ids that they had; the spaces' rows are loaded later."""
    for space in wanted:
        await set_sequence(connection, "embedding_space.id", space.id, is_taken=False)
        await connection.execute(
            "SELECT ensure_embedding_space(%s, %s, %s)", [space.provider, space.model, space.dim]
        )
    await connection.execute("DELETE FROM embedding_space")


async def set_sequence(
    connection: Connection, column: str, value: int, *, is_taken: bool = True
) -> None:
    """Let a "table.column" go on after a value, or begin with it."""
    table, _, name = column.partition(".")
    keys = {"table": table, "column": name, "value": value, "is_taken": is_taken}
    await connection.execute(_SET_SEQUENCE, keys)
