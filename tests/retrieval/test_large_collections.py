"""Large collections: words by column and vectors by an index find what a plain scan finds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
from pgvector import HalfVector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from aiconvokit.db import (
    EF_SEARCH,
    Pool,
    Sessions,
    create_engine,
    create_pool,
    create_sessions,
)
from aiconvokit.retrieval import candidate_queries, plans
from aiconvokit.retrieval.candidate_queries import CANDIDATES_PER_LEG, Query, candidates
from aiconvokit.retrieval.filters import compile_filter, parse_filter
from aiconvokit.retrieval.terms import WeightedText
from ingestion import store
from ingestion.language_store import hold_collection, index_anew
from ingestion.lexical_store import BLOCK, index_document
from ingestion.tables import Collection
from ingestion.vector_index import demote, index_name, promote

DIM = 8
SIZES = (700, 900, 1_500, 900, 700)
"""Passages by document: two blocks and some."""
QUESTION = "w3 w40 w41 w90 w97"
WORDS = 100
PREPARED_AFTER = 5
"""Uses of a statement until psycopg has a connection keep it."""

_BASE = """
INSERT INTO "user" (username, email, password_hash) VALUES ('ann', '', 'x');
INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type)
    VALUES ('file_1', 1, '', 0, '', '');
INSERT INTO collection (public_id, owner_id, name, language) VALUES ('vs_1', 1, '', 'simple');
"""
_DOCUMENT = """
INSERT INTO document (public_id, collection_id, file_id, filename, media_type, title, ready_version,
                      chunk_count, attributes)
VALUES (:name, 1, 1, :name, '', :name, 1, :size, jsonb_build_object('nr', CAST(:nr AS integer)))
RETURNING id
"""
_CHUNKS = """
WITH made AS (
    INSERT INTO chunk (collection_id, document_id, version, ordinal, page, start_offset, end_offset,
                       heading, context, content, number_density, tsv)
    SELECT 1, :document, 1, nr, 1, 0, 1, '', '', one, 0, to_tsvector('simple', one)
    FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t(one, nr)
    RETURNING id, ordinal
)
INSERT INTO vec_1 (collection_id, chunk_id, document_id, embedding)
SELECT 1, id, :document, CAST((CAST(:vectors AS text[]))[ordinal] AS halfvec) FROM made
"""
# The question's words against every passage, one by one.
_SCAN = """
WITH terms AS (
    SELECT lexeme_dimension(lexeme) AS dimension,
           CAST(ln(1 + (greatest(:chunks - chunks, 0) + .5) / (chunks + .5)) AS real) AS value
    FROM lexeme WHERE collection_id = 1
      AND lexeme = ANY(tsvector_to_array(to_tsvector('simple', :question)))
)
SELECT chunk_id, document_id, -(weights <#> (
    SELECT CAST('{' || string_agg(dimension || ':' || value, ',' ORDER BY dimension)
                || '}/536870912' AS sparsevec) FROM terms)) AS score
FROM bm25 WHERE collection_id = 1
"""
_NEAREST = """
SELECT chunk_id FROM vec_1 WHERE collection_id = 1
ORDER BY (embedding <=> CAST(:vector AS halfvec)) + 0 LIMIT 100
"""
_IN_BLOCKS = """
SELECT b.number, b.live, b.live = (SELECT count(*) FROM unnest(b.chunk_ids) AS id
                                   WHERE id IN (SELECT id FROM chunk)),
       b.live = (SELECT count(*) FROM bm25 WHERE chunk_id = ANY(b.chunk_ids)),
       EXISTS (SELECT FROM lexical_column c WHERE c.block = b.number)
FROM lexical_block b ORDER BY 1
"""


class Candidate(NamedTuple):
    chunk_id: int
    document_id: int
    dense: float
    lexical: float


@dataclass
class Library:
    """A collection of made-up passages."""

    engine: AsyncEngine
    sessions: Sessions
    pool: Pool
    random: np.random.Generator

    async def add(self, name: str, size: int) -> int:
        """Put in a document of random words and vectors; its id."""
        ranks = np.minimum(self.random.zipf(1.3, (size, 30)), WORDS)
        vectors = self.random.standard_normal((size, DIM))
        async with self.sessions.begin() as session:
            assert await hold_collection(session, 1)
            keys = {"name": name, "size": size, "nr": int(name)}
            document = int((await session.execute(text(_DOCUMENT), keys)).scalar_one())
            texts = [" ".join(f"w{rank}" for rank in row) for row in ranks]
            rows = {"texts": texts, "vectors": [HalfVector(one).to_text() for one in vectors]}
            await session.execute(text(_CHUNKS), {**rows, "document": document})
            await index_document(session, 1, document)
            change = "UPDATE collection SET chunk_count = chunk_count + :size, space_id = 1"
            await session.execute(text(change), {"size": size})
        return document

    async def remove(self, document: int) -> None:
        async with self.sessions.begin() as session:
            await store.remove_passages(session, 1, document)
            await session.execute(text("DELETE FROM document WHERE id = :id"), {"id": document})

    async def find(self, query: Query) -> dict[int, Candidate]:
        async with self.sessions.begin() as session:
            collection = await session.get_one(Collection, 1)
        async with (
            self.pool.connection() as connection,
            plans.planned(connection, collection, query.where),
        ):
            found, known = await candidates(connection, collection, query)
        assert known == 1
        columns = (found.chunk_ids, found.document_ids, found.dense, found.lexical)
        rows = zip(*(one.tolist() for one in columns), strict=True)
        return {row[0]: Candidate(*row) for row in rows}

    async def blocks(self) -> list[int]:
        """How many passages each block has, once it is sure that they are the right ones."""
        async with self.sessions.begin() as session:
            rows = (await session.execute(text(_IN_BLOCKS))).all()
            columns = await session.execute(text("SELECT DISTINCT block FROM lexical_column"))
            assert set(columns.scalars()) == {row[0] for row in rows}
        assert all(all(row[2:]) for row in rows)
        return [row[1] for row in rows]


@pytest.fixture
async def library(database_url: str) -> AsyncIterator[Library]:
    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    pool = create_pool(database_url, pool_size=1)
    await pool.open()
    found = Library(engine, sessions, pool, np.random.default_rng(1))
    async with found.sessions.begin() as session:
        for statement in filter(str.strip, _BASE.split(";")):
            await session.execute(text(statement))
        await store.ensure_space(session, "fake", "fake", DIM)
    yield found
    await pool.close()
    await engine.dispose()


QUERY = Query(
    texts=[WeightedText(QUESTION, 1.0)],
    vector="[1,0,0,0,0,0,0,0]",
    space_id=1,
    priors={},
    lift=0.0,
    asks_for_figures=False,
)


async def scan(
    session: AsyncSession, priors: Mapping[int, float], question: str = QUESTION
) -> list[tuple[int, float]]:
    """(chunk id, score with its prior) of every passage with one of the words, best first."""
    chunks = await session.scalar(text("SELECT chunk_count FROM collection"))
    rows = (await session.execute(text(_SCAN), {"question": question, "chunks": chunks})).all()
    best = max(score for *_, score in rows)
    found = [(id_, score + best * priors.get(document, 0)) for id_, document, score in rows]
    return sorted([one for one in found if one[1] > 0], key=lambda one: -one[1])


async def assert_best_words(library: Library, query: Query) -> None:
    """All passages that are surely among the best by their words are found."""
    async with library.sessions.begin() as session:
        scanned = await scan(session, query.priors)
        rows = await session.execute(text(_SCAN), {"question": QUESTION, "chunks": 0})
        known = {row[0] for row in rows}
    found = await library.find(query)
    limit = scanned[CANDIDATES_PER_LEG][1]
    sure = {id_ for id_, score in scanned if score > limit + 1e-5}
    assert len(sure) > CANDIDATES_PER_LEG / 2
    assert sure <= set(found) <= known
    if not query.priors:
        plain = dict(scanned)
        assert all(
            one.lexical == pytest.approx(plain.get(one.chunk_id, 0)) for one in found.values()
        )


async def test_words_by_column_find_what_a_scan_finds(library: Library) -> None:
    documents = [await library.add(str(number), size) for number, size in enumerate(SIZES)]
    assert await library.blocks() == [BLOCK, BLOCK]
    await assert_best_words(library, QUERY)
    for named in documents:
        await assert_best_words(library, replace(QUERY, priors={named: 0.3}))


async def test_removed_passages_leave_their_block_and_neighbours_are_joined(
    library: Library,
) -> None:
    documents = [await library.add(str(number), size) for number, size in enumerate(SIZES)]
    await library.remove(documents[1])
    assert await library.blocks() == [BLOCK - 900, BLOCK]
    await assert_best_words(library, QUERY)
    await library.remove(documents[2])
    await assert_best_words(library, QUERY)
    await library.add("5", 10)
    assert await library.blocks() == [700 + 2 * BLOCK - 3_100]
    await assert_best_words(library, QUERY)
    await library.add("6", BLOCK)
    assert len(await library.blocks()) == 2
    await assert_best_words(library, QUERY)


async def test_the_best_of_a_poor_last_block_leave_no_other_out(library: Library) -> None:
    documents = [await library.add(str(number), size) for number, size in enumerate(SIZES)]
    for emptied in documents[2:4]:  # the last block keeps fewer passages than a leg takes
        await library.remove(emptied)
    live = await library.blocks()
    assert live[-1] < CANDIDATES_PER_LEG < live[0]
    await assert_best_words(library, QUERY)


async def test_a_long_question_is_asked_by_its_weightiest_words(library: Library) -> None:
    for number, size in enumerate(SIZES):
        await library.add(str(number), size)
    common = " ".join(f"w{rank}" for rank in range(1, WORDS + 1))
    texts = [WeightedText(QUESTION, 1.0), WeightedText(common, 1e-6)]
    short, long = await library.find(QUERY), await library.find(replace(QUERY, texts=texts))
    assert len(set(short) - set(long)) <= CANDIDATES_PER_LEG / 50  # equal ones change places


async def test_all_words_of_a_long_question_count(library: Library) -> None:
    await fill(library, SIZES)
    question = " ".join(f"w{rank}" for rank in range(20, 20 + candidate_queries.COLUMN_TERMS * 2))
    async with library.sessions.begin() as session:
        scanned = await scan(session, {}, question)
    found = await library.find(replace(QUERY, texts=[WeightedText(question, 1.0)]))
    plain = dict(scanned)
    assert all(one.lexical == pytest.approx(plain.get(one.chunk_id, 0)) for one in found.values())


async def test_a_large_collection_keeps_its_plans(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = await fill(library, SIZES)
    query = replace(QUERY, priors={documents[1]: 0.3}, lift=0.1)
    planned = await library.find(query)
    monkeypatch.setattr(plans, "LARGE_FROM", 1)
    monkeypatch.setattr(candidate_queries, "LARGE_PER_LEG", CANDIDATES_PER_LEG)
    for _ in range(PREPARED_AFTER + 1):
        assert await library.find(query) == planned
    async with library.pool.connection() as connection:
        kept = "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%prior%'"
        assert max(await (await connection.execute(kept)).fetchall()) > (0,)


async def test_a_collection_indexed_anew_has_new_blocks(library: Library) -> None:
    for number, size in enumerate(SIZES):
        await library.add(str(number), size)
    async with library.sessions.begin() as session:
        assert await hold_collection(session, 1)
        await index_anew(session, 1, "simple")
    assert await library.blocks() == [BLOCK, BLOCK]
    await assert_best_words(library, QUERY)
    async with library.sessions.begin() as session:
        await store.empty_collection(session, 1)
    assert await library.blocks() == []


async def test_a_filter_holds_in_blocks_and_behind_them(library: Library) -> None:
    documents = [await library.add(str(number), size) for number, size in enumerate(SIZES)]
    for number in (0, len(SIZES) - 1):
        wanted = compile_filter(parse_filter({"type": "eq", "key": "nr", "value": number}))
        found = await library.find(replace(QUERY, where=wanted))
        assert {one.document_id for one in found.values()} == {documents[number]}
        assert len(found) >= CANDIDATES_PER_LEG
        assert sum(one.lexical > 0 for one in found.values()) >= CANDIDATES_PER_LEG


async def index_scans(library: Library) -> int:
    async with library.pool.connection() as connection:  # the one that searched
        await connection.execute("SELECT pg_stat_force_next_flush()")
    async with library.sessions.begin() as session:
        statement = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = :name"
        return int(await session.scalar(text(statement), {"name": index_name(1, 1)}) or 0)


async def nearest(library: Library) -> set[int]:
    async with library.sessions.begin() as session:
        rows = await session.scalars(text(_NEAREST), {"vector": QUERY.vector})
        return set(rows)


async def fill(library: Library, sizes: Sequence[int]) -> list[int]:
    return [await library.add(str(number), size) for number, size in enumerate(sizes)]


async def test_an_indexed_collection_is_asked_by_its_index(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(library, [1_000])
    assert await promote(library.engine, 1, 1)
    await library.find(QUERY)
    assert await index_scans(library) == 0  # too small to be worth it
    monkeypatch.setattr(candidate_queries, "INDEXED_FROM", 500)
    exact = await nearest(library)
    found = await library.find(QUERY)
    assert await index_scans(library) == 1
    assert len(exact & set(found)) >= 0.95 * CANDIDATES_PER_LEG
    assert all(-1 <= one.dense <= 1 for one in found.values())
    await demote(library.engine, 1, 1)
    assert exact <= set(await library.find(QUERY))


@pytest.mark.parametrize(("passages", "scans"), [(300, 0), (600, 1)])
async def test_a_filter_chooses_between_index_and_comparison(
    library: Library, monkeypatch: pytest.MonkeyPatch, passages: int, scans: int
) -> None:
    documents = await fill(library, [2_000, passages])
    assert await promote(library.engine, 1, 1)
    monkeypatch.setattr(candidate_queries, "INDEXED_FROM", 500)
    wanted = compile_filter(parse_filter({"type": "eq", "key": "nr", "value": 1}))
    query = replace(QUERY, where=wanted, texts=[WeightedText("w1", 1.0)])
    found = await library.find(query)
    assert await index_scans(library) == scans
    assert {one.document_id for one in found.values()} == {documents[1]}
    assert len(found) >= CANDIDATES_PER_LEG


async def test_the_index_is_asked_for_as_many_as_a_leg_has(library: Library) -> None:
    await fill(library, [1_000])
    await library.find(QUERY)  # loads pgvector
    async with library.pool.connection() as connection:
        # A setting that pgvector does not know would be taken in silence.
        known = "SELECT name, setting FROM pg_settings WHERE name LIKE 'hnsw.%'"
        found = await (await connection.execute(known)).fetchall()
        rows: dict[str, str] = {row[0]: row[1] for row in found}
    assert rows["hnsw.ef_search"] == str(EF_SEARCH)
    assert rows["hnsw.iterative_scan"] == "strict_order"


async def test_an_index_is_built_once_and_a_broken_one_again(library: Library) -> None:
    assert not await promote(library.engine, 1, 1)  # no vectors
    await fill(library, [10])
    oid = "SELECT indexrelid, indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"

    async def state() -> tuple[int, bool]:
        async with library.sessions.begin() as session:
            row = (await session.execute(text(oid), {"name": index_name(1, 1)})).one()
            return int(row[0]), bool(row[1])

    assert await promote(library.engine, 1, 1)
    first = await state()
    assert await promote(library.engine, 1, 1)
    assert await state() == first
    async with library.sessions.begin() as session:
        broken = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = :oid"
        await session.execute(text(broken), {"oid": first[0]})
    assert await promote(library.engine, 1, 1)
    second = await state()
    assert second[1]
    assert second[0] != first[0]
