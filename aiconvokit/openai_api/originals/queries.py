"""Whose links are good."""

from aiconvokit.accounts.queries import principal_by_digest
from aiconvokit.db import Transaction

_DIGEST = "SELECT digest FROM token WHERE id = %(token)s"


async def digest_of(transaction: Transaction, token_id: int) -> bytes | None:
    """What is kept of a token."""
    row = await (await transaction.execute(_DIGEST, {"token": token_id})).fetchone()
    return row[0] if row else None


async def user_of(transaction: Transaction, digest: bytes, idle_days: int) -> int | None:
    """Whose token it is, if it would be good for a request now."""
    found = await principal_by_digest(transaction, digest, idle_days)
    return found.user_id if found is not None and found.is_active else None
