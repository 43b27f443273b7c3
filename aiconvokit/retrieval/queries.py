"""Statements of a search beside the hybrid one: its space, named documents, chosen passages."""

import functools
from collections.abc import Iterable, Sequence

from aiconvokit.db import Transaction
from aiconvokit.retrieval import plans
from aiconvokit.retrieval.candidate_queries import CANDIDATES_PER_LEG, STATEMENTS
from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.naming import NamedDocument, NamingWords
from aiconvokit.retrieval.types import Passage, Ranked, Searchable, Space
from aiconvokit.statements import Prepared

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

_PASSAGES = """
    SELECT c.id AS chunk_id, c.document_id, c.version, d.filename, c.page,
           p.label AS page_label, c.heading, c.start_offset AS start, c.end_offset AS "end",
           c.content AS text, p.text AS page_text, c.tokens
    FROM chunk c
    JOIN document d ON d.id = c.document_id
    JOIN page p ON p.document_id = c.document_id AND p.version = c.version AND p.number = c.page
    WHERE c.collection_id = :collection AND c.id = ANY(:ids)
"""

# A server that changed its model behind the name has a space for each dimension it ever had.
_SPACE_OF = """
SELECT id, provider, model, dim, cosine_sd FROM embedding_space
WHERE provider = %(provider)s AND model = %(model)s ORDER BY id DESC LIMIT 1
"""
_SPACES = """
SELECT id, provider, model, dim, cosine_sd FROM embedding_space WHERE id = ANY(%(ids)s)
"""


async def space_of(transaction: Transaction, provider: str, model: str) -> Space | None:
    """The newest space of a model, if it has one yet."""
    keys = {"provider": provider, "model": model}
    row = await (await transaction.execute(_SPACE_OF, keys)).fetchone()
    return Space(*row) if row else None


async def spaces(transaction: Transaction, ids: Iterable[int]) -> list[Space]:
    """Spaces by their ids."""
    rows = await transaction.execute(_SPACES, {"ids": list(ids)})
    return [Space(*row) for row in await rows.fetchall()]


async def named_documents(
    transaction: Transaction,
    collection: Searchable,
    names: NamingWords,
    where: Condition | None,
) -> list[NamedDocument]:
    """The documents whose names hold some of the words, best first."""
    if not names.words:
        return []
    named = await _named(where.sql if where else None).rows(
        transaction,
        {
            **(where.parameters if where else {}),
            "words": list(names.words),
            "alone": list(names.words.values()),
            "heads": names.in_heads,
            "collection": collection.id,
            "candidates": CANDIDATES_PER_LEG,
        },
    )
    return [NamedDocument(id_, score, frozenset(found)) for id_, score, found in named]


@functools.lru_cache(STATEMENTS)
def _named(where: str | None) -> Prepared:
    return Prepared(_NAMED % {"where": f"AND {where}" if where else ""})


@functools.lru_cache(STATEMENTS)
def _passages(owner: int | None) -> Prepared:
    return Prepared(plans.owned(_PASSAGES, owner))


async def passages(
    transaction: Transaction,
    collection: Searchable,
    where: Condition | None,
    ranked: Sequence[Ranked],
) -> list[Passage]:
    """The passages of ranked candidates, in that order; one deleted meanwhile is left out."""
    keys = {"collection": collection.id, "ids": [one.chunk_id for one in ranked]}
    rows = await _passages(plans.owner(collection, where)).rows(transaction, keys)
    found = {row[0]: row for row in rows}
    return [
        Passage(*(*found[one.chunk_id], one.score, one.dense, one.lexical))
        for one in ranked
        if one.chunk_id in found
    ]
