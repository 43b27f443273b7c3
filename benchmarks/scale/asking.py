"""Searches among many collections: how long they take, and what an index loses."""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pgvector import HalfVector

from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.retrieval.plans import LARGE_FROM
from aiconvokit.retrieval.search import Question, search
from aiconvokit.services import Services
from benchmarks.corpus import ASKED_WORDS, STOP_WORDS, Asker, Corpus
from benchmarks.search import Times, timed
from ingestion.index_upkeep import WORTH_FROM
from ingestion.tables import Collection

BEST = 10
"""Whose share is found is the recall."""
_NEAREST = """
SELECT chunk_id FROM vec_1 WHERE collection_id = %(collection)s
ORDER BY embedding <=> CAST(%(vector)s AS halfvec) LIMIT 10
"""
_EXACT = """
SELECT chunk_id FROM vec_1 WHERE collection_id = %(collection)s
ORDER BY (embedding <=> CAST(%(vector)s AS halfvec)) + 0 LIMIT 10
"""
_OWN = "collection_id = %(collection)s"


@dataclass(frozen=True, slots=True)
class Row:
    """A class of collections: times of a search, and shares (0..1) of the exact best that it finds.

    `vectors` of the 10 nearest vectors, `passages` of the 10 best passages of the whole search.
    """

    name: str
    collections: int
    times: Times
    vectors: float
    passages: float


def classes(collections: Sequence[Collection]) -> dict[str, list[Collection]]:
    """By size; `collections` are the largest first."""
    largest, *others = collections
    found = {f"the largest, {largest.chunk_count:,}": [largest]}
    for name, low, high in (
        (f"{WORTH_FROM:,} and more", WORTH_FROM, 10**12),
        (f"{LARGE_FROM:,} to {WORTH_FROM:,}", LARGE_FROM, WORTH_FROM),
        (f"1,000 to {LARGE_FROM:,}", 1_000, LARGE_FROM),
        ("below 1,000", 0, 1_000),
    ):
        found[name] = [one for one in others if low <= one.chunk_count < high]
    found["all, each as often"] = list(collections)
    return {name: some for name, some in found.items() if some}


async def ask(services: Services, collections: Sequence[Collection], number: int) -> list[Row]:
    """So many questions of each class, over its collections in turn."""
    corpus = Corpus.of(sum(one.chunk_count for one in collections))
    questions = [
        f"{one} q{nr}" for nr, one in enumerate(corpus.texts(number, ASKED_WORDS, STOP_WORDS))
    ]
    embedder = Asker(corpus, questions)
    services = dataclasses.replace(services, embedders=OneEmbedder(embedder))
    rows = []
    for name, some in classes(collections).items():
        turns = itertools.cycle(some)

        async def one(question: str, turns: "itertools.cycle[Collection]" = turns) -> None:
            await search(services, [next(turns)], Question(question), BEST)

        times = await timed(services, questions, one)
        found = [await _found(services, embedder, next(turns), each) for each in questions]
        vectors, passages = np.mean(found, axis=0).tolist()
        rows.append(Row(name, len(some), times, vectors, passages))
    return rows


async def _found(
    services: Services, embedder: Asker, collection: Collection, question: str
) -> tuple[float, float]:
    """What a search finds of the exact best: shares of the vectors and of the passages."""
    if collection.indexed_space_id is None:
        return 1.0, 1.0
    keys = {"collection": collection.id, "vector": HalfVector(embedder.of(question)).to_text()}
    async with services.pool.connection() as connection:
        own = _NEAREST.replace(_OWN, f"collection_id = {collection.id:d}")
        near = {row[0] for row in await (await connection.execute(own, keys)).fetchall()}
        exact = {row[0] for row in await (await connection.execute(_EXACT, keys)).fetchall()}
    compared = await _best(services, _unindexed(collection), question)
    best = await _best(services, collection, question)
    return len(near & exact) / len(exact), len(best & compared) / len(compared)


def _unindexed(collection: Collection) -> Collection:
    """The same collection for a search that compares every vector."""
    names = Collection.__mapper__.column_attrs.keys()
    copy = Collection(**{name: getattr(collection, name) for name in names})
    copy.indexed_space_id = None
    return copy


async def _best(services: Services, collection: Collection, question: str) -> set[int]:
    found = await search(services, [collection], Question(question), BEST)
    return {passage.chunk_id for passage in found.passages}
