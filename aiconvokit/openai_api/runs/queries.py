"""Statements on runs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message, Receipt
from aiconvokit.db import Transaction
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.queries import Keys, Listed, listed
from aiconvokit.openai_api.tables import Run


class RunRow(NamedTuple):
    """A run and the answer that it writes; None when that was deleted."""

    run: Run
    answer: Message | None


# Plain SQL: it goes with the statements of a turn that begins.
_INSERT = """
INSERT INTO run (public_id, thread_id, assistant_id, message_id, parameters, metadata)
VALUES (%(id)s, %(thread)s, %(assistant)s, %(message)s, %(parameters)s, %(metadata)s)
RETURNING created_at
"""


async def insert_run(transaction: Transaction, run: Run) -> datetime:
    """Store a new run in the transaction in which its turn begins; when that was."""
    values = {
        "id": run.public_id,
        "thread": run.thread_id,
        "assistant": run.assistant_id,
        "message": run.message_id,
        "parameters": Jsonb(run.parameters),
        "metadata": Jsonb(run.metadata_),
    }
    rows = await (await transaction.execute(_INSERT, values)).fetchall()
    made: datetime = rows[0][0]
    return made


async def run_of(session: AsyncSession, thread_id: int, public_id: str) -> RunRow | None:
    """One run of a thread."""
    row = (await session.execute(_runs(thread_id).where(Run.public_id == public_id))).one_or_none()
    return RunRow(*row) if row else None


async def runs_of(
    session: AsyncSession, user_id: int, thread_id: int, wanted: Cursor
) -> Listed[RunRow]:
    """A page of a thread's runs."""
    found = await listed(session, user_id, _runs(thread_id), Keys(Run.id, Run.public_id), wanted)
    return Listed([RunRow(*row) for row in found.rows], found.has_more)


def _runs(thread_id: int) -> Select[Run, Message]:
    return (
        select(Run, Message)
        .outerjoin(Message, Message.id == Run.message_id)
        .where(Run.thread_id == thread_id)
        .execution_options(populate_existing=True)
    )


async def note_cancelled(session: AsyncSession, run_id: int) -> None:
    """Write down that a run is to end."""
    await session.execute(update(Run).where(Run.id == run_id).values(cancelled_at=func.now()))


async def wanted_of(session: AsyncSession, public_ids: Sequence[str]) -> set[str]:
    """Which of some runs are to go on: they are there, and nobody cancelled them."""
    found = select(Run.public_id).where(Run.public_id.in_(public_ids), Run.cancelled_at.is_(None))
    return set(await session.scalars(found))


# The thread before the message, as turns lock them; another turn's lease is left alone.
HOLD_THREAD = text("SELECT id FROM thread WHERE id = :thread FOR NO KEY UPDATE")
_INTERRUPT = text(
    """
    WITH ended AS (
        UPDATE message SET status = 'interrupted'
        WHERE id = :message AND thread_id = :thread AND status = 'in_progress' RETURNING thread_id
    )
    UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
    WHERE id IN (SELECT thread_id FROM ended)
    """
)


async def interrupt(session: AsyncSession, run: Run) -> None:
    """End a run whose process is dead, or does not hear: its thread is free at once.

    A process that still works at it stops when it next renews its lease.
    """
    await session.execute(HOLD_THREAD, {"thread": run.thread_id})
    await session.execute(_INTERRUPT, {"thread": run.thread_id, "message": run.message_id})


async def set_metadata(session: AsyncSession, run_id: int, metadata: dict[str, str]) -> None:
    """Replace what the owner keeps with a run, if it is still there."""
    await session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(metadata_=metadata)
        .execution_options(synchronize_session=False)
    )


async def receipt_of(session: AsyncSession, message_id: int) -> Receipt | None:
    """How a run's answer came about; None while it goes on."""
    return await session.get(Receipt, message_id)


# Pages of versions that are gone have no text any more.
_TEXTS = text(
    """
    SELECT f.rank, substr(p.text, f."start" + 1, f."end" - f."start")
    FROM unnest(CAST(:ranks AS integer[]), CAST(:documents AS bigint[]),
                CAST(:versions AS integer[]), CAST(:pages AS integer[]),
                CAST(:starts AS integer[]), CAST(:ends AS integer[]))
        AS f(rank, document_id, version, page, "start", "end")
    JOIN page p ON p.document_id = f.document_id AND p.version = f.version AND p.number = f.page
    """
)


async def texts_of(session: AsyncSession, found: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Rank -> the words of a passage that a receipt names."""
    columns = {
        "ranks": "rank",
        "documents": "document_id",
        "versions": "version",
        "pages": "page",
        "starts": "start",
        "ends": "end",
    }
    values = {name: [one[key] for one in found] for name, key in columns.items()}
    return {row[0]: row[1] for row in await session.execute(_TEXTS, values)}
