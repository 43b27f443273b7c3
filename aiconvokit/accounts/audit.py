"""The audit trail: who did what to which object, when and from where.

It is written in the transaction of what it tells of: both are there, or neither. It holds names and
ids; never contents, never secrets.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit import rate_limit, request_id
from aiconvokit.accounts import audit_queries
from aiconvokit.acting import acting
from aiconvokit.background import forever
from aiconvokit.services import Services

Action = Literal[
    "login",
    "login.failed",
    "user.created",
    "user.suspended",
    "user.resumed",
    "user.deleted",
    "user.password_changed",
    "user.password_reset",
    "token.created",
    "token.revoked",
    "invitation.created",
    "invitation.deleted",
    "assistant.created",
    "assistant.deleted",
    "document.deleted",
    "file.deleted",
    "vector_store.deleted",
    "widget.created",
    "widget.changed",
    "widget.deleted",
    "backup.restored",
    "user.imported",
]
COMMAND_LINE = "command line"
"""Who did what no user did: whoever may run commands on this machine."""
UNKNOWN = "?"
"""Who failed to log in under a name that nobody has: people type passwords there."""

FAILURES_BURST, FAILURES_PER_MINUTE = 1, 1
"""Failed logins that are written down, by address and name: nobody fills the table with them."""
SWEEP_SECONDS = 3_600
SWEPT = 5_000
"""Rows in one transaction: some 50 ms."""

_address: ContextVar[str | None] = ContextVar("address", default=None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something; without an id nobody who was logged in."""

    user_id: int | None
    name: str


@contextmanager
def coming_from(address: str | None) -> Iterator[None]:
    """What is done in the block was asked for from this address."""
    token = _address.set(address)
    try:
        yield
    finally:
        _address.reset(token)


async def note(
    session: AsyncSession,
    action: Action,
    kind: str | None = None,
    object_id: int | str | None = None,
    *,
    actor: Actor | None = None,
) -> None:
    """Write down that something is done, in the transaction that does it.

    Args:
        session: the transaction's, a request's or a command's.
        action: what is done.
        kind: what the object is.
        object_id: which one.
        actor: who does it. None: the user who is asking, or else the command line.
    """
    if actor is None:
        user_id = acting()
        actor = Actor(user_id if user_id > 0 else None, COMMAND_LINE)
    await audit_queries.insert(
        session,
        {
            "actor_id": actor.user_id,
            "actor": actor.name,
            "action": action,
            "object_kind": kind,
            "object_id": None if object_id is None else str(object_id),
            "address": _address.get(),
            "request_id": request_id.current(),
        },
    )


async def note_failed_login(services: Services, known: Actor | None) -> None:
    """Write down that a login failed, once a minute for each address and name.

    Args:
        services: the database.
        known: the user of that name; None: there is none, and the name is not written down.
    """
    actor = known or Actor(None, UNKNOWN)
    key = f"audit:login:{_address.get()}:{actor.name}"
    async with services.sessions.begin() as session:
        if await rate_limit.has_taken(
            session, key, burst=FAILURES_BURST, per_minute=FAILURES_PER_MINUTE
        ):
            await note(session, "login.failed", actor=actor)


async def sweep_trail(services: Services) -> None:
    """For ever: what was done long enough ago goes."""
    await forever("Sweeping the audit trail", SWEEP_SECONDS, lambda: sweep_once(services))


async def sweep_once(services: Services) -> None:
    """Remove all that is older than AICONVOKIT_AUDIT_DAYS, some at a time."""
    days = services.settings.limits.audit_days
    is_over = False
    while not is_over:
        async with services.owner_sessions.begin() as session:
            is_over = await audit_queries.sweep(session, days, SWEPT) < SWEPT
