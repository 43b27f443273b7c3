"""Every statement of a search: named documents, candidates of all legs, chosen passages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.naming import NamedDocument, NamingWords
from aiconvokit.retrieval.terms import WeightedText
from aiconvokit.retrieval.types import Candidate, Passage
from ingestion.tables import Collection

CANDIDATES_PER_LEG = 100
"""Fusion at 100 a leg is what the recipe was measured with; passages beyond hardly ever win."""
MAX_TERMS = 1_000
"""Of a question, the weightiest; a sparse vector ends at 16,000."""

# Three legs find candidates: words, vectors, and vectors within the documents that the question
# names, where an index over all would not look. Then every candidate gets both of its scores.
# BM25 is an inner product of sparse vectors: the passages' side is stored, the question's made of
# its lexemes, each weighted by its rarity and by the text it comes from (docs/decisions/0004).
# "+ 0" bars any vector index: a small collection is scanned exactly, recall 1.
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
    SELECT weight, is_question, lexeme_dimension(lexeme) AS dimension,
           ln(1 + (greatest(:chunks - chunks, 0) + .5) / (chunks + .5)) AS idf
    FROM asked JOIN lexeme USING (lexeme) WHERE collection_id = :collection
), words AS MATERIALIZED (
    SELECT CAST('{' || coalesce(string_agg(dimension || ':' || value, ',' ORDER BY dimension), '')
                || '}/536870912' AS sparsevec) AS vector
    FROM (SELECT dimension, max(CAST(weight * idf AS real)) AS value FROM terms GROUP BY 1
          ORDER BY value DESC LIMIT :terms) AS t
), worded AS MATERIALIZED (
    SELECT chunk_id AS id, document_id, -(weights <#> (SELECT vector FROM words)) AS score
    FROM bm25 WHERE collection_id = :collection %(scope)s
), lexical AS (
    SELECT id FROM worded LEFT JOIN prior USING (document_id) WHERE score > 0
    ORDER BY score + coalesce(prior, 0) * (SELECT max(score) FROM worded) DESC, id
    LIMIT :candidates
), dense AS (
    SELECT chunk_id AS id FROM vec_%(space)d WHERE collection_id = :collection %(scope)s
    ORDER BY (embedding <=> CAST(:vector AS halfvec(%(dim)d))) + 0, chunk_id LIMIT :candidates
), named AS (
    SELECT chunk_id AS id FROM vec_%(space)d JOIN prior USING (document_id)
    WHERE collection_id = :collection %(scope)s
    ORDER BY (embedding <=> CAST(:vector AS halfvec(%(dim)d))) - prior * :lift, chunk_id
    LIMIT :candidates
), found AS (
    SELECT id FROM lexical UNION SELECT id FROM dense UNION SELECT id FROM named
)
SELECT c.id, c.document_id, 1 - (v.embedding <=> CAST(:vector AS halfvec(%(dim)d))),
       w.score, c.number_density,
       (SELECT count(*) FROM terms WHERE is_question)::float8
           / greatest(1, (SELECT count(*) FROM asked WHERE is_question)) AS known
FROM found
JOIN chunk c ON c.collection_id = :collection AND c.id = found.id
JOIN vec_%(space)d v ON v.collection_id = :collection AND v.chunk_id = found.id
JOIN worded w ON w.id = found.id
"""

_SCOPE = (
    "AND document_id IN (SELECT d.id FROM document d WHERE d.collection_id = :collection AND {})"
)

# A word that is in more than half of the documents' names tells none from another.
_NAMED = """
    WITH words AS MATERIALIZED (
        SELECT word, alone, CAST('''' || word || '''' AS tsquery) AS query,
               CAST('''' || word || '''\\:A' AS tsquery) AS title
        FROM unnest(CAST(:words AS text[]), CAST(:alone AS boolean[])) AS w(word, alone)
    ), documents AS (
        SELECT count(*) AS n FROM document
        WHERE collection_id = :collection AND ready_version IS NOT NULL
    ), hits AS MATERIALIZED (
        SELECT d.id, w.word, w.alone, d.names @@ w.title AS in_title
        FROM words w JOIN document d ON d.names @@ CASE WHEN :heads THEN w.query ELSE w.title END
        WHERE d.collection_id = :collection AND d.ready_version IS NOT NULL %(where)s
    ), telling AS (
        SELECT word, ln(1 + (n - count(*) + .5) / (count(*) + .5)) / ln(1 + n) AS rarity
        FROM hits, documents GROUP BY word, n HAVING count(*) <= n / 2.0
    )
    SELECT h.id, CAST(sum(t.rarity * CASE WHEN h.in_title THEN 1.5 ELSE 1 END) AS float8) AS score,
           array_agg(h.word)
    FROM hits h JOIN telling t USING (word)
    GROUP BY h.id HAVING bool_or(h.alone) ORDER BY score DESC, h.id LIMIT :candidates
"""

_PASSAGES = text(
    """
    SELECT c.id AS chunk_id, c.document_id, c.version, d.filename, c.page,
           p.label AS page_label, c.heading, c.start_offset AS start, c.end_offset AS "end",
           c.content AS text
    FROM chunk c
    JOIN document d ON d.id = c.document_id
    JOIN page p ON p.document_id = c.document_id AND p.version = c.version AND p.number = c.page
    WHERE c.collection_id = :collection AND c.id = ANY(:ids)
    """
)

_PAGE_TEXTS = text(
    """
    SELECT p.document_id, p.version, p.number, p.text
    FROM page p
    JOIN unnest(CAST(:documents AS bigint[]), CAST(:versions AS int[]), CAST(:pages AS int[]))
         AS wanted(document_id, version, number) USING (document_id, version, number)
    """
)


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
    dim: int
    priors: Mapping[int, float]
    lift: float
    where: Condition | None = None


async def named_documents(
    session: AsyncSession,
    collection: Collection,
    names: NamingWords,
    where: Condition | None,
) -> list[NamedDocument]:
    """The documents whose names hold some of the words, best first."""
    if not names.words:
        return []
    rows = await session.execute(
        text(_NAMED % {"where": f"AND {where.sql}" if where else ""}),
        {
            **(where.parameters if where else {}),
            "words": list(names.words),
            "alone": list(names.words.values()),
            "heads": names.in_heads,
            "collection": collection.id,
            "candidates": CANDIDATES_PER_LEG,
        },
    )
    return [NamedDocument(id_, score, frozenset(found)) for id_, score, found in rows]


async def candidates(
    session: AsyncSession, collection: Collection, query: Query
) -> tuple[list[Candidate], float]:
    """The best of all legs in one collection, unordered.

    Returns:
        the candidates, and the share (0..1) of the question's words that the collection knows.
    """
    scope = _SCOPE.format(query.where.sql) if query.where else ""
    statement = text(_HYBRID % {"dim": query.dim, "space": query.space_id, "scope": scope})
    rows = await session.execute(
        statement,
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
            "candidates": CANDIDATES_PER_LEG,
            "terms": MAX_TERMS,
        },
    )
    found, known = [], 0.0
    for chunk_id, document_id, dense, lexical, density, known_share in rows:
        found.append(Candidate(chunk_id, document_id, dense, lexical, density))
        known = known_share
    return found, known


async def passages(
    session: AsyncSession, collection_id: int, ranked: Sequence[tuple[Candidate, float]]
) -> list[Passage]:
    """The passages of ranked candidates, in that order; one deleted meanwhile is left out."""
    ids = [candidate.chunk_id for candidate, _ in ranked]
    rows = await session.execute(_PASSAGES, {"collection": collection_id, "ids": ids})
    found = {row["chunk_id"]: row for row in rows.mappings()}
    return [
        Passage(**found[one.chunk_id], score=score, dense=one.dense, lexical=one.lexical)
        for one, score in ranked
        if one.chunk_id in found
    ]


async def page_texts(
    session: AsyncSession, wanted: Sequence[Passage]
) -> dict[tuple[int, int, int], str]:
    """(document id, version, page) -> the page's whole text."""
    rows = await session.execute(
        _PAGE_TEXTS,
        {
            "documents": [one.document_id for one in wanted],
            "versions": [one.version for one in wanted],
            "pages": [one.page for one in wanted],
        },
    )
    return {(document, version, page): content for document, version, page, content in rows}
