"""Statements on runs that wait for what functions came to."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message
from aiconvokit.db import Transaction
from aiconvokit.openai_api.runs import queries
from aiconvokit.openai_api.tables import Run

# Changed in place: the words of a document that is deleted meanwhile must not come back.
_KEEP_ROUND = """
UPDATE run SET message_id = %(message)s, parameters = jsonb_set(
    parameters, '{rounds}', coalesce(parameters -> 'rounds', '[]') || %(rounds)s
) || %(waiting)s
WHERE public_id = %(id)s
"""
_GO_ON = """
UPDATE run SET parameters = jsonb_set(parameters - 'waiting', '{rounds,-1,outputs}', %(outputs)s)
WHERE public_id = %(id)s
RETURNING parameters
"""
_STILL_WAITS = text(
    """
    SELECT EXISTS (
        SELECT FROM run r JOIN message m ON m.id = r.message_id
        WHERE r.id = :run AND m.status = 'in_progress' AND r.parameters ? 'waiting')
    """
)


async def keep_round(
    transaction: Transaction,
    run_id: str,
    message_row: int,
    made: Mapping[str, Any],
    wait: Mapping[str, Any],
) -> None:
    """Append a round to a run that waits from now on.

    Args:
        transaction: the last of its turn.
        run_id: its public id.
        message_row: that of the answer to come.
        made: the round.
        wait: for what and how long.
    """
    kept = {"rounds": Jsonb([made]), "waiting": Jsonb({"waiting": wait})}
    await transaction.execute(_KEEP_ROUND, {"id": run_id, "message": message_row, **kept})


async def go_on(transaction: Transaction, run_id: str, outputs: Sequence[str]) -> dict[str, Any]:
    """Let a run wait no more: its last round came to this. Its parameters as they are then."""
    values = {"id": run_id, "outputs": Jsonb(list(outputs))}
    rows = await (await transaction.execute(_GO_ON, values)).fetchall()
    parameters: dict[str, Any] = rows[0][0]
    return parameters


async def said_in(session: AsyncSession, message_ids: Sequence[int]) -> dict[int, str]:
    """Row -> text, for those of some answers that have their words still."""
    found = await messages_by_row(session, message_ids)
    return {row: one.content for row, one in found.items() if one.status == "complete"}


async def messages_by_row(session: AsyncSession, rows: Sequence[int]) -> dict[int, Message]:
    """Row -> message, for those of some answers that are there still."""
    if not rows:
        return {}
    found = await session.scalars(
        select(Message).where(Message.id.in_(rows)).execution_options(populate_existing=True)
    )
    return {one.id: one for one in found}


async def cancel_waiting(session: AsyncSession, run: Run) -> bool:
    """End a run that waits, and free its thread; False: it waits no more."""
    await session.execute(queries.HOLD_THREAD, {"thread": run.thread_id})
    if not await session.scalar(_STILL_WAITS, {"run": run.id}):
        return False
    await queries.interrupt(session, run)
    await queries.note_cancelled(session, run.id)
    return True
