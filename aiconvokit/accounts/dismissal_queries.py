"""The statement that finds who may not be answered any more."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is answered: a user by one of their tokens, or by none, as visitors of their widgets."""

    user_id: int
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Who must not be answered any more; without `is_out` it is only the token that has ended."""

    asker: Asker
    is_out: bool


_DISMISSED = text(
    """
    SELECT a.user_id, a.token_id, coalesce(NOT u.is_active, true)
    FROM unnest(CAST(:users AS bigint[]), CAST(:tokens AS bigint[])) AS a (user_id, token_id)
    LEFT JOIN "user" u ON u.id = a.user_id
    LEFT JOIN token t ON t.id = a.token_id AND (t.expires_at IS NULL OR t.expires_at > now())
    WHERE coalesce(NOT u.is_active, true) OR (a.token_id IS NOT NULL AND t.id IS NULL)
    """
)


async def dismissed_of(session: AsyncSession, askers: Sequence[Asker]) -> list[Dismissed]:
    """Which of some have been suspended or deleted, or came with a token that has ended."""
    columns = {
        "users": [one.user_id for one in askers],
        "tokens": [one.token_id for one in askers],
    }
    rows = await session.execute(_DISMISSED, columns)
    return [Dismissed(Asker(user_id, token_id), is_out) for user_id, token_id, is_out in rows]
