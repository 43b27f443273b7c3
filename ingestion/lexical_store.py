"""Statements that keep the lexical leg in step with `chunk.tsv`; the collection must be held.

Large collections are searched by columns (docs/decisions/0005): every BLOCK passages, by their ids,
make a block, and its columns are the block's rows of `bm25` transposed. What is not in a block yet
is scanned. Ids grow, so a collection's newest passages are those behind its last block.
"""

from itertools import pairwise
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BLOCK = 2048
"""Passages of a block, a number that the migration has, too. Twice as many save a fifth of the
columns' 2 kB a passage, and twice as many passages wait to be scanned (.8 µs each)."""
MOST_WEIGHTS = 900
"""Of a passage, as the migration has it."""
SORT_MEMORY = "64MB"
"""For a block's 200,000 words; on disk they take twice as long."""

_DOCUMENT = "collection_id = :collection AND document_id = :document"
_COLLECTION = "collection_id = :collection"

# As `bm25_weights` and `_COUNT`, for all passages of a document at once: a third of the CPU. Where
# lexemes of a document share a dimension, and where a passage is very long, the function weighs.
_INDEX_DOCUMENT = text(
    f"""
    WITH passage AS MATERIALIZED (
        SELECT id, tsv, float8 '0.3' + float8 '0.009' * length(tsv) AS size,
               length(tsv) > {MOST_WEIGHTS} AS is_long
        FROM chunk WHERE {_DOCUMENT}
    ), word AS MATERIALIZED (
        SELECT id, one.lexeme, lexeme_dimension(one.lexeme) AS dimension, is_long,
               CAST(cardinality(positions) * float8 '2.2' / (cardinality(positions) + size)
                    AS real) AS weight
        FROM passage, unnest(tsv) AS one
    ), counted AS MATERIALIZED (
        SELECT lexeme, count(*) AS chunks FROM word GROUP BY lexeme
    ), clash AS MATERIALIZED (
        SELECT lexeme_dimension(lexeme) AS dimension FROM counted GROUP BY 1 HAVING count(*) > 1
    ), odd AS MATERIALIZED (
        SELECT DISTINCT id FROM word WHERE is_long OR dimension IN (SELECT dimension FROM clash)
    ), known AS (
        INSERT INTO lexeme (collection_id, lexeme, chunks)
        SELECT :collection, lexeme, chunks FROM counted
        ON CONFLICT (collection_id, lexeme) DO UPDATE SET chunks = lexeme.chunks + excluded.chunks
    ), even AS (
        SELECT id, string_agg(dimension || ':' || weight, ',') AS weights FROM word
        WHERE id NOT IN (SELECT id FROM odd) GROUP BY id
    )
    INSERT INTO bm25 (collection_id, chunk_id, document_id, weights)
    SELECT :collection, id, :document,
           CASE WHEN even.weights IS NULL THEN bm25_weights(tsv)
           ELSE CAST('{{' || even.weights || '}}/536870912' AS sparsevec) END
    FROM passage LEFT JOIN even USING (id)
    """  # noqa: S608  # constants
)
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
    text(
        """
        UPDATE lexical_block AS b
        SET live = kept.live, chunk_ids = kept.chunk_ids, document_ids = kept.document_ids
        FROM (
            SELECT number, count(*) FILTER (WHERE document_id <> :document) AS live,
                   array_agg(CASE WHEN document_id <> :document THEN chunk_id END ORDER BY slot)
                       AS chunk_ids,
                   array_agg(nullif(document_id, :document) ORDER BY slot) AS document_ids
            FROM lexical_block, unnest(chunk_ids, document_ids) WITH ORDINALITY
                     AS slots(chunk_id, document_id, slot)
            WHERE collection_id = :collection AND :document = ANY(document_ids)
            GROUP BY number
        ) AS kept
        WHERE b.collection_id = :collection AND b.number = kept.number
        """
    ),
)
_CLEAR_COLLECTION = [
    text(f"DELETE FROM {table} WHERE {_COLLECTION}")  # noqa: S608  # constants
    for table in ("bm25", "lexeme", "lexical_block", "lexical_column")
]

_SORT_IN_MEMORY = text(f"SET LOCAL work_mem = '{SORT_MEMORY}'")
_BLOCKS = text(
    """
    SELECT number, last_chunk_id, live FROM lexical_block
    WHERE collection_id = :collection ORDER BY last_chunk_id
    """
)
_REMOVE_BLOCK = [
    text("DELETE FROM lexical_block WHERE collection_id = :collection AND number = :number"),
    text("DELETE FROM lexical_column WHERE collection_id = :collection AND block = :number"),
]
# Behind `after` up to `until`; too few make no block.
_MAKE_BLOCK = text(
    """
    INSERT INTO lexical_block (collection_id, number, last_chunk_id, live, chunk_ids, document_ids)
    SELECT :collection, :number, max(chunk_id), count(*), array_agg(chunk_id ORDER BY chunk_id),
           array_agg(document_id ORDER BY chunk_id)
    FROM (SELECT chunk_id, document_id FROM bm25
          WHERE collection_id = :collection AND chunk_id > :after
            AND chunk_id <= coalesce(CAST(:until AS bigint), 9223372036854775807)
          ORDER BY chunk_id LIMIT :size) AS next
    HAVING count(*) >= :fewest
    RETURNING last_chunk_id
    """
)
# A sparse vector is read in any order of its elements.
_MAKE_COLUMNS = text(
    f"""
    INSERT INTO lexical_column (collection_id, block, dimension, weights)
    SELECT :collection, :number, dimension,
           CAST('{{' || string_agg(slot || ':' || weight, ',') || '}}/{BLOCK}' AS sparsevec)
    FROM (
        SELECT slots.slot, CAST(split_part(one, ':', 1) AS integer) AS dimension,
               split_part(one, ':', 2) AS weight
        FROM lexical_block b, unnest(b.chunk_ids) WITH ORDINALITY AS slots(chunk_id, slot), bm25,
             string_to_table(substr(split_part(CAST(bm25.weights AS text), '}}', 1), 2), ',') AS one
        WHERE b.collection_id = :collection AND b.number = :number
          AND bm25.collection_id = :collection AND bm25.chunk_id = slots.chunk_id AND one <> ''
    ) AS weighted
    GROUP BY dimension ORDER BY dimension
    """  # noqa: S608  # a constant
)


async def index_document(session: AsyncSession, collection_id: int, document_id: int) -> None:
    """Add a document's new chunks."""
    await session.execute(_SORT_IN_MEMORY)
    keys = {"collection": collection_id, "document": document_id}
    await session.execute(_INDEX_DOCUMENT, keys)
    await _arrange_blocks(session, collection_id)


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
    await _arrange_blocks(session, collection_id)


async def _arrange_blocks(session: AsyncSession, collection_id: int) -> None:
    """Join neighbours that deletions have left half empty, then make blocks of what is new."""
    keys: dict[str, Any] = {"collection": collection_id}
    blocks = (await session.execute(_BLOCKS, keys)).all()
    starts = [0, *(block.last_chunk_id for block in blocks)]
    await session.execute(_SORT_IN_MEMORY)
    joined: set[int] = set()
    for after, (left, right) in zip(starts, pairwise(blocks), strict=False):
        if left.number not in joined and left.live + right.live <= BLOCK:
            joined |= {left.number, right.number}
            for number in (left.number, right.number):
                for statement in _REMOVE_BLOCK:
                    await session.execute(statement, {**keys, "number": number})
            place = {"number": left.number, "after": after, "until": right.last_chunk_id}
            await _make_block(session, {**keys, **place, "fewest": 1})
    number = max((block.number for block in blocks), default=0)
    last: int | None = starts[-1]
    while last is not None:
        number += 1
        place = {"number": number, "after": last, "until": None}
        last = await _make_block(session, {**keys, **place, "fewest": BLOCK})


async def _make_block(session: AsyncSession, keys: dict[str, Any]) -> int | None:
    """The last chunk in the block; None: there were too few for one."""
    last: int | None = await session.scalar(_MAKE_BLOCK, {**keys, "size": BLOCK})
    if last is not None:
        await session.execute(_MAKE_COLUMNS, keys)
    return last
