"""Which collections are alive, and that one is in use."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

IS_ALIVE = """(c.expires_after_days IS NULL
    OR c.last_active_at + make_interval(days => c.expires_after_days) > now())"""
"""Of a collection `c`: it has not expired."""
# What a worker holds just now is left alone: nobody waits for it.
_TOUCHED = """
UPDATE collection SET last_active_at = now() WHERE id IN (
    SELECT id FROM collection
    WHERE id = ANY({}) AND last_active_at < now() - interval '1 minute'
    FOR NO KEY UPDATE SKIP LOCKED)
"""
TOUCH = _TOUCHED.format("%(collections)s")
"""`touch` for several, with the driver's own parameters."""
_TOUCH = text(_TOUCHED.format(":collections"))


async def touch(session: AsyncSession, collection_id: int) -> None:
    """Say that a collection is in use; to the minute, so that not every request writes."""
    await session.execute(_TOUCH, {"collections": [collection_id]})
