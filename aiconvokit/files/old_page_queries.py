"""Statements on pages of versions that were replaced."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

KEPT = "interval '1 hour'"
"""Since the replacement: an answer that is being written may cite what it read before."""

# Neither searched, nor about to be. Messages are named, not imported: the chat feature stands
# above this one. Each version is looked up in their index.
_IS_OLD = "p.version IS DISTINCT FROM d.ready_version AND p.version <> d.version"
_IS_CITED = """
EXISTS (SELECT FROM message m WHERE m.citations @> jsonb_build_array(
    jsonb_build_object('document_id', p.document_id, 'version', p.version)))
"""
_UNCITED = text(
    f"""
    SELECT d.id FROM document d
    WHERE d.version > 1 AND d.updated_at < now() - {KEPT} AND EXISTS (
        SELECT FROM (SELECT DISTINCT p.document_id, p.version FROM page p
                     WHERE p.document_id = d.id AND {_IS_OLD}) p
        WHERE NOT {_IS_CITED})
    ORDER BY d.id LIMIT :most
    """  # noqa: S608  # ours, above
)
_REMOVE = text(
    f"""
    DELETE FROM page WHERE document_id = :document AND version IN (
        SELECT p.version
        FROM (SELECT DISTINCT p.document_id, p.version
              FROM page p JOIN document d ON d.id = p.document_id
              WHERE p.document_id = :document AND {_IS_OLD}) p
        WHERE NOT {_IS_CITED})
    """  # noqa: S608  # as above
)


async def with_uncited_pages(session: AsyncSession, most: int) -> Sequence[int]:
    """Some documents with pages of old versions that no answer cites."""
    return (await session.scalars(_UNCITED, {"most": most})).all()


async def remove_uncited(session: AsyncSession, document_id: int) -> None:
    """Remove a document's pages of old versions that no answer cites; it must be locked.

    Whoever stores an answer holds the documents that it cites: what cites them is seen.
    """
    await session.execute(_REMOVE, {"document": document_id})
