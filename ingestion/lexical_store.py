"""Statements that keep the lexical leg in step with `chunk.tsv`; the collection must be held."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_DOCUMENT = "collection_id = :collection AND document_id = :document"
_COLLECTION = "collection_id = :collection"

_WEIGH = """
INSERT INTO bm25 (collection_id, chunk_id, document_id, weights)
SELECT collection_id, id, document_id, bm25_weights(tsv) FROM chunk WHERE {}
"""
_COUNT = """
INSERT INTO lexeme (collection_id, lexeme, chunks)
SELECT collection_id, one.lexeme, count(*) FROM chunk, unnest(tsv) AS one
WHERE {} GROUP BY collection_id, one.lexeme
ON CONFLICT (collection_id, lexeme) DO UPDATE SET chunks = lexeme.chunks + excluded.chunks
"""
_FORGET = (
    text(f"DELETE FROM bm25 WHERE {_DOCUMENT}"),  # noqa: S608  # constants
    text(
        f"""
        MERGE INTO lexeme USING (
            SELECT one.lexeme, count(*) AS chunks FROM chunk, unnest(tsv) AS one
            WHERE {_DOCUMENT} GROUP BY one.lexeme
        ) AS gone
        ON lexeme.collection_id = :collection AND lexeme.lexeme = gone.lexeme
        WHEN MATCHED AND lexeme.chunks <= gone.chunks THEN DELETE
        WHEN MATCHED THEN UPDATE SET chunks = lexeme.chunks - gone.chunks
        """  # noqa: S608  # as above
    ),
)
_CLEAR_COLLECTION = (
    text(f"DELETE FROM bm25 WHERE {_COLLECTION}"),  # noqa: S608  # as above
    text(f"DELETE FROM lexeme WHERE {_COLLECTION}"),  # noqa: S608  # as above
)


async def index_document(session: AsyncSession, collection_id: int, document_id: int) -> None:
    """Add a document's new chunks."""
    keys = {"collection": collection_id, "document": document_id}
    for statement in (_WEIGH, _COUNT):
        await session.execute(text(statement.format(_DOCUMENT)), keys)


async def forget_document(session: AsyncSession, collection_id: int, document_id: int) -> None:
    """Take a document's chunks out, before they go."""
    keys = {"collection": collection_id, "document": document_id}
    for statement in _FORGET:
        await session.execute(statement, keys)


async def forget_collection(session: AsyncSession, collection_id: int) -> None:
    """Take all chunks of a collection out, before or after they go."""
    for statement in _CLEAR_COLLECTION:
        await session.execute(statement, {"collection": collection_id})


async def index_collection(session: AsyncSession, collection_id: int) -> None:
    """Make everything of a collection anew, after all of its chunks changed."""
    await forget_collection(session, collection_id)
    keys = {"collection": collection_id}
    for made in (_WEIGH, _COUNT):
        await session.execute(text(made.format(_COLLECTION)), keys)
