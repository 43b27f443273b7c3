"""What a chat completion reads of an assistant."""

from aiconvokit.chat.turn_queries import Persona
from aiconvokit.db import Transaction
from aiconvokit.files.expiry_queries import IS_ALIVE, TOUCH
from aiconvokit.retrieval.types import SearchedCollection

# No collection where the assistant does not search, and none that expired.
_ASKED = f"""
SELECT a.id, a.instructions, a.company_name, a.glossary,
       c.id, c.space_id, c.language, c.chunk_count, c.indexed_space_id, c.expires_after_days
FROM assistant a
LEFT JOIN assistant_collection l ON l.assistant_id = a.id AND a.searches
LEFT JOIN collection c ON c.id = l.collection_id AND {IS_ALIVE}
WHERE a.id = %(assistant)s AND (a.owner_id = %(user)s OR %(shared)s)
ORDER BY l.position
"""  # noqa: S608  # ours


async def asked(
    transaction: Transaction, user_id: int, assistant_id: int, *, shared: bool
) -> tuple[Persona, list[SearchedCollection]] | None:
    """An assistant that a user may ask, and what it reads; that expires later for being read."""
    keys = {"assistant": assistant_id, "user": user_id, "shared": shared}
    rows = await (await transaction.execute(_ASKED, keys)).fetchall()
    if not rows:
        return None
    read = [row[4:] for row in rows if row[4] is not None]
    if expiring := [row[0] for row in read if row[5] is not None]:
        await transaction.execute(TOUCH, {"collections": expiring})
    return Persona(*rows[0][:4]), [SearchedCollection(*row[:5]) for row in read]
