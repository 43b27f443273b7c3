"""Statements of the repairs; each holds what others may be changing."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat import turn_queries
from ingestion import space_store
from ingestion.language_store import hold_collection
from ingestion.store import empty_collection

NO_TIMEOUT = text("SET LOCAL statement_timeout = 0")
"""A repair's work grows with the collection."""

_CLEAR_PASSAGES = text(
    """
    DELETE FROM chunk c WHERE c.collection_id = :collection AND NOT EXISTS (
        SELECT FROM document d WHERE d.id = c.document_id AND d.collection_id = c.collection_id)
    """
)
_CLEAR_VECTORS = """
DELETE FROM vec_{space:d} v WHERE v.collection_id = :collection AND NOT EXISTS (
    SELECT FROM chunk c WHERE c.collection_id = :collection AND c.id = v.chunk_id)
"""
_COUNT = text(
    """
    UPDATE collection
    SET chunk_count = (SELECT count(*) FROM chunk WHERE collection_id = :collection)
    WHERE id = :collection
    """
)
_READY = text(
    """
    UPDATE document SET status = 'ready', error_code = NULL, error_detail = NULL
    WHERE id = ANY(:ids) AND ready_version = version
    """
)
_CLEAR_STAGE = text(
    """
    DELETE FROM chunk_stage s USING document d
    WHERE d.id = s.document_id AND d.id = ANY(:ids) AND d.status IN ('ready', 'failed')
    """
)


async def clear_collection(session: AsyncSession, collection_id: int) -> bool:
    """Remove passages without a document and vectors that nothing needs; count what is left.

    False when the collection is gone: then all of it is removed.
    """
    await session.execute(NO_TIMEOUT)
    keys = {"collection": collection_id}
    if await hold_collection(session, collection_id) is None:
        await empty_collection(session, collection_id)
        return False
    await session.execute(_CLEAR_PASSAGES, keys)
    for space_id in await space_store.with_vectors(session):
        await session.execute(text(_CLEAR_VECTORS.format(space=space_id)), keys)
    await space_store.forget_rests(session, collection_id, way_back=True)
    await session.execute(_COUNT, keys)
    return True


async def mark_ready(session: AsyncSession, document_ids: Sequence[int]) -> None:
    """Say of documents whose newest version is searched that they are ready."""
    await session.execute(_READY, {"ids": list(document_ids)})


async def clear_stage(session: AsyncSession, document_ids: Sequence[int]) -> None:
    """Remove what is staged of documents that nobody reads."""
    await session.execute(_CLEAR_STAGE, {"ids": list(document_ids)})


async def end_turns(session: AsyncSession, thread_ids: Sequence[int]) -> None:
    """Free threads that nobody holds any more, as a server does."""
    await turn_queries.interrupt_left(session, thread_ids)
