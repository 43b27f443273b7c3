"""How long a search takes as a collection grows: `python -m benchmarks.search --passages 20000`.

Fills an embedded Postgres with made-up passages, through the statements of the worker, and asks
made-up questions: by leg, and as the whole of `retrieval.search` with an embedder that costs
nothing. About 1 ms a passage, and 4 s for 20,000 vectors' index.
"""

import argparse
import dataclasses
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import psutil
from pgvector import HalfVector
from sqlalchemy import TextClause, text

from aiconvokit.accounts import queries as account_queries
from aiconvokit.cli.runtime import log_to_stderr
from aiconvokit.db import create_engine
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.retrieval.search import Question, search
from aiconvokit.services import Services
from benchmarks.corpus import ASKED_WORDS, DOCUMENT, STOP_WORDS, Asker, Corpus, add_document
from benchmarks.machine import machine
from benchmarks.own_database import with_own_database
from benchmarks.printing import table, tell
from ingestion.tables import Collection
from ingestion.vector_index import promote

QUESTIONS = 200
WARM_UP = 20


@dataclasses.dataclass(slots=True)
class Times:
    """Milliseconds a search: wall time of each, CPU on average."""

    wall: list[float]
    postgres: float
    python: float

    def row(self) -> list[str]:
        low, high = statistics.median(self.wall), statistics.quantiles(self.wall, n=20)[-1]
        return [f"{one:.1f}" for one in (low, high, self.postgres, self.python)]


HEADER = ["passages", "what", "p50, ms", "p95, ms", "Postgres CPU, ms", "Python CPU, ms"]

_ALL_WORDS = text(
    """
    SELECT chunk_id FROM bm25 WHERE collection_id = :collection
    ORDER BY weights <#> bm25_weights(to_tsvector('simple', :question)), chunk_id LIMIT 100
    """
)
_ALL_VECTORS = text(
    """
    SELECT chunk_id FROM vec_1 WHERE collection_id = :collection
    ORDER BY (embedding <=> CAST(:vector AS halfvec)) + 0 LIMIT 100
    """
)
# A search has a pool of its own beside the sessions' connections.
_BACKENDS = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend'"
)
_WIDTH = text("SELECT set_config('hnsw.ef_search', '100', true)")
_NEAREST = text(
    """
    SELECT chunk_id FROM vec_1 WHERE collection_id = :collection
    ORDER BY embedding <=> CAST(:vector AS halfvec) LIMIT 100
    """
)


async def fill(services: Services, corpus: Corpus, passages: int) -> Collection:
    """A collection with so many passages, document by document, as the worker puts them in."""
    async with services.owner_sessions.begin() as session:
        user = await account_queries.insert_user(session, f"user{passages}", "", "none")
        if user is None:
            raise RuntimeError(passages)
        collection = Collection(public_id=f"vs_{passages}", owner_id=user.id, name="benchmark")
        session.add(collection)
    for number in range(0, passages, DOCUMENT):
        await add_document(services, corpus, collection, number, min(DOCUMENT, passages - number))
    async with services.owner_sessions() as session:
        connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        await connection.execute(text("VACUUM ANALYZE"))
    async with services.sessions.begin() as session:
        return await session.get_one(Collection, collection.id)


async def timed(
    services: Services, questions: Sequence[str], ask: Callable[[str], Awaitable[object]]
) -> Times:
    """Each question once, one after the other."""
    for question in questions[:WARM_UP]:
        await ask(question)
    async with services.owner_sessions() as session:  # who sees them all
        backends = [psutil.Process(pid) for pid in await session.scalars(_BACKENDS)]
    wall, before, python = list[float](), _seconds(backends), time.process_time()
    for question in questions:
        began = time.perf_counter()
        await ask(question)
        wall.append(1e3 * (time.perf_counter() - began))
    python = time.process_time() - python
    postgres = _seconds(backends) - before
    return Times(wall, 1e3 * postgres / len(questions), 1e3 * python / len(questions))


def _seconds(processes: Sequence[psutil.Process]) -> float:
    """CPU that they have used so far."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


async def measure(services: Services, passages: int) -> list[list[str]]:
    """The rows of one size."""
    corpus = Corpus.of(passages)
    began = time.monotonic()
    collection = await fill(services, corpus, passages)
    tell(f"{passages:,} passages: filled in {time.monotonic() - began:.0f} s")
    questions = corpus.texts(QUESTIONS, ASKED_WORDS, STOP_WORDS)
    services = dataclasses.replace(services, embedders=OneEmbedder(Asker(corpus, questions)))
    vectors = iter([HalfVector(one).to_text() for one in corpus.vectors(4 * QUESTIONS)])
    rows = []

    async def leg(statement: TextClause, question: str) -> None:
        async with services.sessions.begin() as session:
            await session.execute(_WIDTH)
            keys = {"collection": collection.id, "question": question, "vector": next(vectors)}
            await session.execute(statement, keys)

    async def whole(question: str) -> None:
        await search(services, [collection], Question(question), 8)

    async def add(what: str, ask: Callable[[str], Awaitable[object]]) -> None:
        rows.append([f"{passages:,}", what, *(await timed(services, questions, ask)).row()])

    await add("words, all scanned (not used)", lambda question: leg(_ALL_WORDS, question))
    await add("vectors, all compared", lambda question: leg(_ALL_VECTORS, question))
    await add("**a search, vectors compared**", whole)
    began = time.monotonic()
    engine = create_engine(services.database_url, pool_size=1)
    space = collection.space_id or 0
    await promote(engine, space, collection.id)
    await engine.dispose()
    tell(f"{passages:,} passages: indexed in {time.monotonic() - began:.0f} s")
    await add("vectors, by their index", lambda question: leg(_NEAREST, question))
    async with services.sessions.begin() as session:
        collection = await session.get_one(Collection, collection.id)
    await add("**a search, vectors by their index**", whole)
    return rows


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("--passages", nargs="+", type=int, default=[1_000, 5_000, 20_000])
    sizes = parser.parse_args().passages
    log_to_stderr()
    where = machine()

    async def act(services: Services) -> list[list[str]]:
        return [row for size in sizes for row in await measure(services, size)]

    rows = with_own_database(act)
    about = f"{datetime.now(UTC):%Y-%m-%d}, {where}; {QUESTIONS} questions of {ASKED_WORDS} words"
    sys.stdout.write("\n".join([about, "", *table([HEADER, *rows])]) + "\n")


if __name__ == "__main__":
    main()
