"""The hybrid statement of a search: candidates of all legs in one collection, with their scores.

There are two ways to the nearest vectors, and the application chooses (docs/decisions/0002): every
vector is compared, or a large collection's index is asked.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiconvokit.db import Transaction
from aiconvokit.retrieval import plans
from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.terms import WeightedText
from aiconvokit.retrieval.types import Candidates, Searchable
from aiconvokit.statements import Prepared, statement
from ingestion.lexical_store import BLOCK

CANDIDATES_PER_LEG = 100
"""Fusion at 100 a leg is what the recipe was measured with; passages beyond hardly ever win."""
LARGE_PER_LEG = 60
"""In a large collection, where each costs 20 µs more; pooled development sets find as much or more
with 60, single filings less (docs/decisions/0005)."""
MAX_TERMS = 48
"""Of a question, the weightiest; one with five turns before it has some 60. 48 find what 200 do
(docs/decisions/0005)."""
COLUMN_TERMS = 24
"""Of these, the weightiest say which passages of blocks are scored by all: each costs 7 µs a block
of 2,048 passages, a score 3 µs."""
COLUMN_CANDIDATES = 150
"""Passages of blocks that are scored by all terms: of the best 10 by all terms 99.7 % are among
them in FinanceBench, and all elsewhere (0005)."""
INDEXED_FROM = 5_000
"""Passages from which on an index of vectors is asked, and which a filter must leave: comparing as
many takes 3 ms of CPU, the index .8."""
STATEMENTS = 512
"""Kept by their text: one a space, way, large collection and shape of filter."""

# Words: BM25 is an inner product of sparse vectors: the passages' side is stored, the question's
# made of its lexemes, each weighted by its rarity and by the text it comes from
# (docs/decisions/0004). Of passages in blocks the weights are stored by column, too: sums of
# vectors say which have most of the weightiest terms, and these are scored (0005). What is in no
# block yet is scanned. Its range has an end, which says nothing but makes the planner expect few
# rows: without it, it reads the whole leaf.
# Vectors: near the question, and near it within the documents that the question names.
# Then every candidate gets the score that it has not yet.
# LATERAL … OFFSET 0: document by document, by the index on it, however many a plan that is kept
# would expect.
_HYBRID = """
WITH prior AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:documents AS bigint[]), CAST(:priors AS float8[]))
                  AS p(document_id, prior)
), asked AS MATERIALIZED (
    SELECT a.lexeme, max(t.weight) AS weight, bool_or(t.nr = 1) AS is_question
    FROM unnest(CAST(:texts AS text[]), CAST(:weights AS float8[]))
             WITH ORDINALITY AS t(content, weight, nr),
         unnest(to_tsvector(CAST(:language AS regconfig), t.content)) AS a
    GROUP BY a.lexeme
), terms AS MATERIALIZED (
    SELECT is_question, lexeme_dimension(lexeme) AS dimension,
           CAST(weight * ln(1 + (greatest(:chunks - chunks, 0) + .5) / (chunks + .5)) AS real)
               AS value
    FROM asked JOIN lexeme USING (lexeme) WHERE collection_id = :collection
), weighty AS MATERIALIZED (
    SELECT dimension, max(value) AS value FROM terms GROUP BY 1 ORDER BY value DESC LIMIT :terms
), words AS MATERIALIZED (
    SELECT CAST('{' || coalesce(string_agg(dimension || ':' || value, ',' ORDER BY dimension), '')
                || '}/536870912' AS sparsevec) AS vector FROM weighty
), scales AS MATERIALIZED (
    SELECT dimension, CAST(array_fill(value, ARRAY[%(block)d]) AS vector) AS scale
    FROM weighty ORDER BY value DESC LIMIT :column_terms
), sums AS MATERIALIZED (
    SELECT number, (
        SELECT vector_total(CAST(c.weights AS vector) * s.scale) FROM scales s JOIN lexical_column c
            ON c.collection_id = :collection AND c.block = number AND c.dimension = s.dimension
    ) AS scores
    FROM lexical_block WHERE collection_id = :collection
), lowest AS MATERIALIZED (
    SELECT CAST(array_fill(CAST(coalesce((
        SELECT .99999 * score FROM (
            SELECT unnest(b.chunk_ids) AS id, unnest(CAST(s.scores AS real[])) AS score
            FROM lexical_block b JOIN sums s USING (number)
            WHERE b.collection_id = :collection AND number = (SELECT max(number) FROM sums)
        ) AS slots WHERE score > 0 AND id IS NOT NULL
        ORDER BY score DESC LIMIT 1 OFFSET :column_candidates - 1
    ), 0) AS real), ARRAY[%(block)d]) AS vector) AS scale
), worded AS MATERIALIZED (
    SELECT id, document_id, (
        SELECT -(weights <#> (SELECT vector FROM words)) FROM bm25 b
        WHERE b.collection_id = :collection AND b.chunk_id = in_blocks.id
    ) AS score, 0 AS prior FROM (
        SELECT id, document_id FROM (%(slots)s) AS slots
        WHERE score > 0 AND id IS NOT NULL %(scope)s
        ORDER BY score DESC, id LIMIT :column_candidates
    ) AS in_blocks
    UNION ALL SELECT id, document_id, score, 0 FROM (
        SELECT chunk_id AS id, document_id, -(weights <#> (SELECT vector FROM words)) AS score
        FROM (
            SELECT coalesce(max(last_chunk_id), 0) AS last FROM lexical_block
            WHERE collection_id = :collection
        ) AS blocks JOIN bm25 ON chunk_id > last AND chunk_id < 9223372036854775807
        WHERE collection_id = :collection %(scope)s
        ORDER BY score DESC, id LIMIT :candidates
    ) AS behind_blocks WHERE score > 0
    UNION ALL SELECT id, document_id, score, prior FROM (
        SELECT id, document_id, score, prior FROM prior, LATERAL (
            SELECT chunk_id AS id, -(weights <#> (SELECT vector FROM words)) AS score
            FROM bm25 WHERE collection_id = :collection AND document_id = prior.document_id
                %(scope)s OFFSET 0
        ) AS passage
    ) AS named WHERE score > 0
), lexical AS (
    SELECT id, max(document_id) AS document_id, max(score) AS score FROM worded GROUP BY id
    ORDER BY max(score + prior * (SELECT max(score) FROM worded)) DESC, id LIMIT :candidates
), dense AS (
    SELECT id, document_id, 1 - distance AS cosine FROM (%(dense)s) AS nearest
), named AS (
    SELECT id, document_id, 1 - distance AS cosine FROM (
        SELECT id, document_id, distance, prior FROM prior, LATERAL (
            SELECT chunk_id AS id, embedding <=> CAST(:vector AS halfvec) AS distance
            FROM %(vectors)s WHERE collection_id = :collection AND document_id = prior.document_id
                %(scope)s OFFSET 0
        ) AS passage
    ) AS meant ORDER BY distance - prior * :lift, id LIMIT :candidates
), found AS MATERIALIZED (
    SELECT id, max(document_id) AS document_id, max(cosine) AS cosine, max(score) AS score FROM (
        SELECT id, document_id, CAST(NULL AS float8) AS cosine, score FROM lexical
        UNION ALL SELECT id, document_id, cosine, NULL FROM dense
        UNION ALL SELECT id, document_id, cosine, NULL FROM named
    ) AS legs GROUP BY id
)
SELECT array_agg(id), array_agg(document_id), array_agg(
           coalesce(cosine, (SELECT 1 - (embedding <=> CAST(:vector AS halfvec)) FROM %(vectors)s v
                             WHERE v.collection_id = :collection AND v.chunk_id = found.id))),
       array_agg(
           coalesce(score, (SELECT -(weights <#> (SELECT vector FROM words)) FROM bm25 b
                            WHERE b.collection_id = :collection AND b.chunk_id = found.id))),
       array_agg(
           CASE WHEN :figures THEN (SELECT number_density FROM chunk c
               WHERE c.collection_id = :collection AND c.id = found.id) ELSE 0 END),
       (SELECT count(*) FROM terms WHERE is_question)::float8
           / greatest(1, (SELECT count(*) FROM asked WHERE is_question))
FROM found
"""

_ALL_SLOTS = """
    SELECT unnest(b.chunk_ids) AS id, unnest(b.document_ids) AS document_id,
           unnest(CAST(s.scores AS real[])) AS score
    FROM sums s JOIN lexical_block b USING (number) WHERE b.collection_id = :collection
"""
# The last of one block's best is no better than the last of all blocks' best, so what scores less
# cannot be among these. Of what is left the places are found without looking at every score: signs
# of the differences as a text of 0 and 1, cut at each 1. A hair is taken off, so that a score as
# good is left, too. "|| '{}'" reads an array once, not once a place.
_BEST_SLOTS = """
    SELECT b.chunk_ids[slot] AS id, b.document_ids[slot] AS document_id, b.scores[slot] AS score
    FROM (
        SELECT chunk_ids || CAST('{}' AS bigint[]) AS chunk_ids,
               document_ids || CAST('{}' AS bigint[]) AS document_ids,
               CAST(scores AS real[]) AS scores,
               CAST(binary_quantize(scores - (SELECT scale FROM lowest)) AS text) AS signs
        FROM sums JOIN lexical_block USING (number) WHERE collection_id = :collection
        OFFSET 0
    ) AS b, LATERAL (
        SELECT CAST(sum(length(run) + 1) OVER (ORDER BY nr ROWS UNBOUNDED PRECEDING) AS integer)
                   AS slot
        FROM string_to_table(b.signs, '1') WITH ORDINALITY AS runs(run, nr)
    ) AS places
"""

# "+ 0" bars any index. A distance stands where it is computed once. Without it only the index gives
# an order, since a pool's connections may not sort (`aiconvokit.db`).
_COMPARE_ALL = """
    SELECT chunk_id AS id, document_id, (embedding <=> CAST(:vector AS halfvec)) + 0 AS distance
    FROM %(vectors)s WHERE collection_id = :collection %(scope)s
    ORDER BY distance, chunk_id LIMIT :candidates
"""
_ASK_INDEX = """
    SELECT chunk_id AS id, document_id, embedding <=> CAST(:vector AS halfvec) AS distance
    FROM %(vectors)s WHERE collection_id = :collection %(scope)s
    ORDER BY embedding <=> CAST(:vector AS halfvec) LIMIT :candidates
"""
_SCOPE = (
    "AND document_id IN (SELECT d.id FROM document d WHERE d.collection_id = :collection AND {})"
)
# No join: the rows must keep coming in the index's order.
_SCOPE_IN_ORDER = (
    _SCOPE.replace("AND document_id IN (", "AND coalesce(document_id IN (") + ", false)"
)
_IN_SCOPE = "SELECT sum(chunk_count) FROM document d WHERE d.collection_id = :collection AND {}"


@dataclass(frozen=True, slots=True)
class Query:
    """What the legs are asked: texts with weights for the words, a vector for the meaning.

    The first text is the question.

    `priors` says how surely a document is meant; `lift` is what a prior of 1 adds to a cosine.
    """

    texts: Sequence[WeightedText]
    vector: str
    """pgvector's text form, "[0.1,…]"."""
    space_id: int
    priors: Mapping[int, float]
    lift: float
    asks_for_figures: bool
    """Candidates have their number density only then."""
    where: Condition | None = None


async def candidates(
    transaction: Transaction, collection: Searchable, query: Query
) -> tuple[Candidates, float]:
    """The best of all legs in one collection, unordered.

    Returns:
        the candidates, and the share (0..1) of the question's words that the collection knows.
    """
    is_indexed = await _is_indexed(transaction, collection, query)
    where = query.where.sql if query.where else None
    asked = _statement(
        query.space_id, where, plans.owner(collection, query.where), is_indexed=is_indexed
    )
    found = await asked.row(
        transaction,
        {
            **(query.where.parameters if query.where else {}),
            "texts": [one.text for one in query.texts],
            "weights": [one.weight for one in query.texts],
            "language": collection.language,
            "collection": collection.id,
            "chunks": collection.chunk_count,
            "vector": query.vector,
            "documents": list(query.priors),
            "priors": list(query.priors.values()),
            "lift": query.lift,
            "figures": query.asks_for_figures,
            "candidates": LARGE_PER_LEG if plans.is_large(collection) else CANDIDATES_PER_LEG,
            "terms": MAX_TERMS,
            "column_terms": COLUMN_TERMS,
            "column_candidates": COLUMN_CANDIDATES,
        },
    )
    if found is None:
        raise RuntimeError("An aggregate has one row.")
    *columns, known = found
    return Candidates.of([column or [] for column in columns]), known


async def _is_indexed(transaction: Transaction, collection: Searchable, query: Query) -> bool:
    """Whether to ask the index: there is one, and the filter leaves enough to be found by it."""
    if collection.indexed_space_id != query.space_id or collection.chunk_count < INDEXED_FROM:
        return False
    if query.where is None:
        return True
    keys = {**query.where.parameters, "collection": collection.id}
    counted = statement(_IN_SCOPE.format(query.where.sql))
    row = await (await transaction.execute(counted, keys)).fetchone()
    return row is not None and (row[0] or 0) >= INDEXED_FROM


@functools.lru_cache(STATEMENTS)
def _statement(
    space_id: int, where: str | None, owner: int | None, *, is_indexed: bool
) -> Prepared:
    parts = {
        "vectors": f"vec_{space_id:d}",
        "scope": _SCOPE.format(where) if where else "",
        "slots": _ALL_SLOTS if where else _BEST_SLOTS,
    }
    in_order = {**parts, "scope": _SCOPE_IN_ORDER.format(where) if where else ""}
    dense = _ASK_INDEX % in_order if is_indexed else _COMPARE_ALL % parts
    hybrid = _HYBRID % {**parts, "dense": dense, "block": BLOCK}
    return Prepared(plans.owned(hybrid, owner))
