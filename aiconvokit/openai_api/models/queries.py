"""The assistants that stand for models."""

from datetime import datetime
from typing import NamedTuple

from aiconvokit.db import Transaction

_ASKABLE = """
SELECT id, openai_id, name, created_at FROM assistant
WHERE owner_id = %(user)s OR %(shared)s ORDER BY id
"""
_ROW = """
SELECT id FROM assistant
WHERE openai_id = %(openai_id)s AND (owner_id = %(user)s OR %(shared)s)
"""


class Askable(NamedTuple):
    """An assistant that somebody may ask."""

    id: int
    openai_id: str
    name: str
    created_at: datetime


async def askable(transaction: Transaction, user_id: int, *, shared: bool) -> list[Askable]:
    """All that a user may ask, oldest first."""
    found = await transaction.execute(_ASKABLE, {"user": user_id, "shared": shared})
    return [Askable(*row) for row in await found.fetchall()]


async def row_of(
    transaction: Transaction, user_id: int, openai_id: str, *, shared: bool
) -> int | None:
    """The row of an assistant that a user may ask."""
    keys = {"openai_id": openai_id, "user": user_id, "shared": shared}
    row = await (await transaction.execute(_ROW, keys)).fetchone()
    return row[0] if row else None
