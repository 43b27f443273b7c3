"""Every statement on the audit trail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.tables import AuditEvent
from aiconvokit.rest.lists import Window

# No RETURNING: whoever does something may not read what was written.
_INSERT = text(
    """
    INSERT INTO audit_event (actor_id, actor, action, object_kind, object_id, address, request_id)
    VALUES (
        :actor_id,
        coalesce((SELECT username FROM "user" WHERE id = CAST(:actor_id AS bigint)), :actor),
        :action, :object_kind, :object_id, :address, :request_id
    )
    """
)
_SWEEP = text(
    """
    DELETE FROM audit_event WHERE id IN (
        SELECT id FROM audit_event WHERE at < now() - make_interval(days => :days)
        ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


async def insert(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Write an event; of an actor with an id the present name is kept."""
    await session.execute(_INSERT, values)


async def last_id(session: AsyncSession) -> int:
    """The id of the event that the session's transaction wrote last."""
    last = text("SELECT currval(pg_get_serial_sequence('audit_event', 'id'))")
    return cast("int", (await session.execute(last)).scalar_one())


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted; None: whoever did, whatever it was."""

    actor: str | None
    action: str | None


async def newest(session: AsyncSession, wanted: Wanted, page: Window) -> Sequence[AuditEvent]:
    """Events, newest first; one more than asked for when there are more."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        statement = statement.where(AuditEvent.id < page.after)
    if wanted.actor is not None:
        statement = statement.where(AuditEvent.actor == wanted.actor)
    if wanted.action is not None:
        statement = statement.where(AuditEvent.action == wanted.action)
    return (await session.scalars(statement)).all()


async def since(
    session: AsyncSession, moment: datetime, actor: str | None, after: int, most: int
) -> Sequence[AuditEvent]:
    """Some events from a moment on, oldest first, behind the id `after`."""
    statement = (
        select(AuditEvent)
        .where(AuditEvent.at >= moment, AuditEvent.id > after)
        .order_by(AuditEvent.id)
        .limit(most)
    )
    if actor is not None:
        statement = statement.where(AuditEvent.actor == actor)
    return (await session.scalars(statement)).all()


async def sweep(session: AsyncSession, days: int, most: int) -> int:
    """Remove some events that are so many days old; how many."""
    found = await session.execute(_SWEEP, {"days": days, "most": most})
    return cast("CursorResult[Any]", found).rowcount
