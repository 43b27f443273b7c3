"""Statements on a collection's language: what its documents say, and every passage indexed anew.

Whoever changes passages locks in this order: document, collection, passages. The collection's lock
keeps two configurations from being mixed: who holds it sees every passage that is in, and whoever
comes next indexes by the language that was left.
"""

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.documents import with_place
from ingestion.language import (
    SAMPLE_PAGE_CHARACTERS,
    SAMPLE_PAGES,
    detect,
    prevailing,
)
from ingestion.lexical import lexical_text
from ingestion.lexical_store import index_collection
from ingestion.tables import Collection

VOTERS = 50
"""The first documents of a collection decide its language: later ones hardly change it, and the
work of asking is bounded (.1 s)."""
BATCH = 500
"""Passages of one statement: .7 MB of text in memory, .2 s of work between two awaits."""

_SAMPLES = text(
    """
    SELECT d.chunk_count,
           coalesce(string_agg(left(p.text, :characters), E'\\n' ORDER BY p.number), '')
    FROM (SELECT id, ready_version, chunk_count FROM document
          WHERE collection_id = :collection AND ready_version IS NOT NULL
          ORDER BY id LIMIT :voters) AS d
    LEFT JOIN page p ON p.document_id = d.id AND p.version = d.ready_version AND p.number <= :pages
    GROUP BY d.id, d.chunk_count ORDER BY d.id
    """
)

_NEXT = text(
    """
    SELECT id, context, content FROM chunk
    WHERE collection_id = :collection AND id > :after ORDER BY id LIMIT :batch
    """
)

_NO_TIMEOUT = text("SET LOCAL statement_timeout = 0")
"""For a transaction whose work grows with the collection; a request's never does."""

_INDEX = text(
    """
    UPDATE chunk SET tsv = to_tsvector(CAST(:language AS regconfig), one.lexical)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:texts AS text[])) AS one(id, lexical)
    WHERE chunk.collection_id = :collection AND chunk.id = one.id
    """
)


async def hold_collection(session: AsyncSession, collection_id: int) -> Collection | None:
    """The collection as it is now, held until the transaction ends; None when it is gone."""
    return await session.scalar(
        select(Collection)
        .where(Collection.id == collection_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def documents_language(session: AsyncSession, collection_id: int) -> str | None:
    """The language of most of a collection's passages; None without searchable documents."""
    rows = await session.execute(
        _SAMPLES,
        {
            "collection": collection_id,
            "characters": SAMPLE_PAGE_CHARACTERS,
            "pages": SAMPLE_PAGES,
            "voters": VOTERS,
        },
    )
    votes = [(detect(sample), count) for count, sample in rows]
    return prevailing(votes) if votes else None


async def index_anew(session: AsyncSession, collection_id: int, language: str | None) -> None:
    """Give a collection another language; a reader sees the old index or the new one.

    Args:
        session: of the owner role; the collection must be held.
        collection_id: which one.
        language: a text search configuration; None: of a collection without passages.
    """
    await session.execute(_NO_TIMEOUT)
    after = 0
    while language is not None:
        keys = {"collection": collection_id, "after": after, "batch": BATCH}
        rows = (await session.execute(_NEXT, keys)).all()
        if not rows:
            break
        after = rows[-1][0]
        batch = {
            "collection": collection_id,
            "language": language,
            "ids": [row[0] for row in rows],
            "texts": [lexical_text(with_place(row[1], row[2])) for row in rows],
        }
        await session.execute(_INDEX, batch)
    await index_collection(session, collection_id)
    await session.execute(
        update(Collection).where(Collection.id == collection_id).values(language=language)
    )
