"""For whom the database is asked: the second wall behind every query's own filters.

Requests name their user to the database; its row-level security shows them that user's rows and no
others, also where a query forgot to filter (docs/decisions/0011). Who has named nobody sees none.

A pool's connection is told when it is lent out, and only if it was lent for somebody else before.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

DOOR = 0
"""Nobody yet: accounts, their tokens, and widgets are looked up for who is at the door."""
NOBODY = -1
"""Work of the process itself. What it has to do with users' rows, it does as their owner."""
UNCHANGED = -2
"""Whoever a connection was last told: for statements on nobody's rows, in every request."""

NAME = (
    "SELECT set_config('aiconvokit.acting', %s, false), set_config('aiconvokit.reached', '', false)"
)
"""The statement that tells a connection: a text of digits, the user's id."""

_acting: ContextVar[int] = ContextVar("acting", default=NOBODY)


def acting() -> int:
    """The id of the user for whom this task asks, or DOOR, NOBODY, UNCHANGED."""
    return _acting.get()


@contextmanager
def acting_for(user_id: int) -> Iterator[None]:
    """Ask for a user within the block, in this task and those that it starts."""
    token = _acting.set(user_id)
    try:
        yield
    finally:
        _acting.reset(token)


def act_for(user_id: int) -> None:
    """Ask for a user from here on until the request ends: it told, on its way, whose it is."""
    _acting.set(user_id)


@asynccontextmanager
async def as_owner(session: AsyncSession) -> AsyncIterator[None]:
    """The block's statements see all users' rows: for what a deletion takes with it.

    What the user may delete was found, and locked, before. An error inside ends the transaction,
    and the role with it.
    """
    role = await session.scalar(text("SELECT current_role"))
    await session.execute(text("SET LOCAL ROLE NONE"))
    yield
    await session.execute(text(f'SET LOCAL ROLE "{role}"'))
