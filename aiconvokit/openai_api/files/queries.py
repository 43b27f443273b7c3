"""Statements on files."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api.cursors import Cursor
from aiconvokit.openai_api.files.schemas import OF_DOCUMENTS
from aiconvokit.openai_api.queries import Keys, Listed, listed


async def files_of(
    session: AsyncSession, user_id: int, purpose: str | None, wanted: Cursor
) -> Listed[StoredFile]:
    """A page of a user's files; all, or those of one purpose."""
    statement = select(StoredFile).where(StoredFile.owner_id == user_id)
    if purpose is not None:
        statement = statement.where(func.coalesce(StoredFile.purpose, OF_DOCUMENTS) == purpose)
    keys = Keys(StoredFile.id, StoredFile.public_id)
    found = await listed(session, user_id, statement, keys, wanted)
    return Listed([row[0] for row in found.rows], found.has_more)
