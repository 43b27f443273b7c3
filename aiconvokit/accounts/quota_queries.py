"""What one user has, and has spent: the statements of `quotas.py`.

Texts, since the tables are those of features above this one.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.db import Transaction

_HELD = text(
    """
    SELECT (SELECT count(*) FROM assistant WHERE owner_id = :owner),
           count(*), coalesce(sum(d.page_count), 0),
           (SELECT coalesce(sum(size), 0) FROM file WHERE owner_id = :owner)
    FROM collection c JOIN document d ON d.collection_id = c.id WHERE c.owner_id = :owner
    """
)
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended('aiconvokit.quota', :owner))")
# By the database's clock, like the day that usage is counted on.
_SPENT = """
SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint,
       extract(epoch FROM date_trunc('day', timezone('UTC', now())) + interval '1 day'
                          - timezone('UTC', now()))::float8
FROM usage_day WHERE owner_id = %s AND day = timezone('UTC', now())::date
"""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What one user has now."""

    assistants: int
    documents: int
    pages: int
    bytes: int


async def holdings(session: AsyncSession, owner_id: int) -> Holdings:
    """What a user has, as the session's transaction sees it."""
    found = (await session.execute(_HELD, {"owner": owner_id})).one()
    assistants, documents, pages, size = map(int, found)
    return Holdings(assistants, documents, pages, size)


async def hold(session: AsyncSession, owner_id: int) -> None:
    """Let nobody else count what a user has until the transaction ends."""
    await session.execute(_HOLD, {"owner": owner_id})


async def spent_today(transaction: Transaction, owner_id: int) -> tuple[int, float]:
    """A user's tokens of today (UTC), and the seconds that are left of it."""
    row = await (await transaction.execute(_SPENT, (owner_id,))).fetchone()
    return (int(row[0]), float(row[1])) if row else (0, 0.0)
