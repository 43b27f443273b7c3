"""Every statement on answers that are kept for requests sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.tables import Idempotency
from aiconvokit.db import Transaction

KEPT = timedelta(hours=24)
"""How long an answer is given again, counted from the first request."""
SWEEP = 20
"""Rows beyond that which one new row removes: ever fewer are left, and nobody waits for many."""


@dataclass(frozen=True, slots=True)
class Held:
    """A key in work; `since` tells this attempt from one that took it over."""

    owner_id: int
    key: str
    since: datetime


async def take(
    session: AsyncSession, owner_id: int, key: str, fingerprint: bytes, longest: timedelta
) -> Held | None:
    """Take a key that is new, has expired, or whose attempt began more than `longest` ago.

    None when another request has it.
    """
    statement = insert(Idempotency).values(owner_id=owner_id, key=key, fingerprint=fingerprint)
    fresh = {
        "fingerprint": fingerprint,
        "status": None,
        "assistant_id": None,
        "body": None,
        "created_at": func.now(),
    }
    abandoned = and_(Idempotency.status.is_(None), Idempotency.created_at < func.now() - longest)
    since = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=[Idempotency.owner_id, Idempotency.key],
            set_=fresh,
            where=or_(_expired(), abandoned),
        ).returning(Idempotency.created_at)
    )
    return Held(owner_id, key, since) if since else None


async def sweep(session: AsyncSession) -> None:
    """Delete some expired rows, whose ever they are; rows in other hands are left to those."""
    old = (
        select(Idempotency.owner_id, Idempotency.key)
        .where(_expired())
        .order_by(Idempotency.created_at)
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
    whose = tuple_(Idempotency.owner_id, Idempotency.key)
    await session.execute(delete(Idempotency).where(whose.in_(old)), execution_options=_BLIND)


async def forget_expired(session: AsyncSession, owner_ids: Sequence[int]) -> None:
    """Delete all expired rows of some owners."""
    old = delete(Idempotency).where(Idempotency.owner_id.in_(owner_ids), _expired())
    await session.execute(old, execution_options=_BLIND)


async def find(session: AsyncSession, owner_id: int, key: str) -> Idempotency | None:
    """What another request with that key left; None when it has just let go."""
    return await session.scalar(
        select(Idempotency).where(Idempotency.owner_id == owner_id, Idempotency.key == key)
    )


_KEEP = """
UPDATE idempotency SET status = %(status)s, body = %(body)s, assistant_id = %(assistant)s
WHERE owner_id = %(owner)s AND key = %(key)s AND created_at = %(since)s AND status IS NULL
RETURNING status
"""


async def keep(
    transaction: Transaction, held: Held, status: int, body: bytes, assistant_id: int | None
) -> bool:
    """Write an attempt's answer; False when somebody took the key over."""
    attempt = {"owner": held.owner_id, "key": held.key, "since": held.since}
    answer = {"status": status, "body": body, "assistant": assistant_id}
    kept = await transaction.execute(_KEEP, {**attempt, **answer})
    return await kept.fetchone() is not None


async def release(session: AsyncSession, held: Held) -> None:
    """Let go of a key, unless its answer was written."""
    await session.execute(delete(Idempotency).where(_of(held)), execution_options=_BLIND)


async def forget(session: AsyncSession, assistant_id: int, owner_id: int | None = None) -> None:
    """Delete kept answers about an assistant: they hold words of what is being deleted.

    Args:
        session: the caller's, behind the locks that the deletion takes.
        assistant_id: which assistant.
        owner_id: whose answers; None means everybody's.
    """
    statement = delete(Idempotency).where(Idempotency.assistant_id == assistant_id)
    if owner_id is not None:
        statement = statement.where(Idempotency.owner_id == owner_id)
    await session.execute(statement, execution_options=_BLIND)


_BLIND = {"synchronize_session": False}


def _expired() -> Any:
    return Idempotency.created_at < func.now() - KEPT


def _of(held: Held) -> Any:
    """The row of one attempt, as long as it is in work."""
    return and_(
        Idempotency.owner_id == held.owner_id,
        Idempotency.key == held.key,
        Idempotency.created_at == held.since,
        Idempotency.status.is_(None),
    )
