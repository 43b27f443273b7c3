"""How long a search takes as a collection grows: `python -m benchmarks.search --passages 20000`.

Fills an embedded Postgres with made-up passages, through the statements of the worker, and asks
made-up questions: by leg, and as the whole of `retrieval.search` with an embedder that costs
nothing. About 1 ms a passage, and 4 s for 20,000 vectors' index.
"""

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
from pgvector import HalfVector
from sqlalchemy import TextClause, text

from aiconvokit.accounts import queries as account_queries
from aiconvokit.cli.runtime import ground, load_settings, log_to_stderr, services_on
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.db import create_engine
from aiconvokit.files.tables import StoredFile
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.retrieval.search import Question, search
from aiconvokit.services import Services
from benchmarks.machine import machine
from ingestion import stage_store, store
from ingestion.names import Names
from ingestion.tables import Collection, Document
from ingestion.types import Chunk, Page, Vectors
from ingestion.vector_index import promote

DIM = 384
WORDS = 140
"""Of a passage, as passages of 350 tokens have."""
VOCABULARY = 50_000
ZIPF = 1.05
STOP_WORDS = 40
"""The most frequent words are in no question."""
ASKED_WORDS = 10
DOCUMENT = 500
"""Passages of a document."""
CLUSTER = 100
"""Vectors of a cluster."""
SPREAD = 0.7
"""Of a cluster's vectors around its centre, in units of the centre's own coordinates."""
QUESTIONS = 200
WARM_UP = 20
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


@dataclasses.dataclass(frozen=True, slots=True)
class Corpus:
    """Passages and questions of one seed."""

    words: npt.NDArray[np.str_]
    shares: npt.NDArray[np.float64]
    centres: Vectors
    random: np.random.Generator

    @classmethod
    def of(cls, passages: int) -> "Corpus":
        """A corpus of about as many passages."""
        random = np.random.default_rng(0)
        ranks = np.arange(1, VOCABULARY + 1) ** -ZIPF
        words = np.array([_word(rank) for rank in range(VOCABULARY)])
        centres = random.standard_normal((max(1, passages // CLUSTER), DIM), dtype=np.float32)
        return cls(words, np.cumsum(ranks / ranks.sum()), centres, random)

    def texts(self, number: int, words: int, first: int = 0) -> list[str]:
        """Words by Zipf's law; `first` leaves out the most frequent ones."""
        low = self.shares[first - 1] if first else 0.0
        drawn = self.random.uniform(low, 1, (number, words))
        ranks = np.minimum(np.searchsorted(self.shares, drawn), VOCABULARY - 1)
        return [" ".join(row) for row in self.words[ranks]]

    def vectors(self, number: int) -> Vectors:
        """Unit vectors around the centres."""
        near = self.centres[self.random.integers(0, len(self.centres), number)]
        found = near + SPREAD * self.random.standard_normal((number, DIM), dtype=np.float32)
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


class FreeEmbedder:
    """Vectors that are ready; those of passages are made by the filling itself."""

    provider = "benchmark"
    model = "free"

    def __init__(self, corpus: Corpus) -> None:
        self._ready = corpus.vectors(QUESTIONS)
        self._numbers = count()

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError(texts)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._ready[[next(self._numbers) % QUESTIONS for _ in texts]]

    async def close(self) -> None:
        """Nothing is open."""


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


def _word(rank: int) -> str:
    """A word of its own for each rank, that no stemmer shortens."""
    letters = ""
    rank += 1
    while rank:
        rank, place = divmod(rank, len(_SYLLABLES))
        letters += _SYLLABLES[place]
    return letters + "x"


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


async def add_document(
    services: Services, corpus: Corpus, collection: Collection, number: int, size: int
) -> None:
    """Put a document of so many passages in, as the worker does; `number` tells it from others."""
    name = f"{collection.name} {number}"
    async with services.owner_sessions.begin() as session:
        key = f"{collection.id}/{number}"
        file = StoredFile(
            public_id=key,
            owner_id=collection.owner_id,
            sha256=key.encode(),
            size=0,
            filename=name,
            media_type="text/plain",
        )
        session.add(file)
        await session.flush()
        document = Document(
            public_id=key,
            collection_id=collection.id,
            file_id=file.id,
            filename=name,
            media_type="text/plain",
            title=name,
        )
        session.add(document)
        await session.flush()
        space = await store.ensure_space(session, FreeEmbedder.provider, FreeEmbedder.model, DIM)
        target = await store.begin(session, document.id)
    if target is None:
        raise RuntimeError(name)
    texts = corpus.texts(size, WORDS)
    chunks = [Chunk(n, n + 1, 0, len(one), one, "", "", 0.0, 0) for n, one in enumerate(texts)]
    async with services.owner_sessions.begin() as session:
        pages = [Page(n, None, one) for n, one in enumerate(texts, 1)]
        await store.store_pages(session, target, pages)
        await stage_store.stage(session, target, space, chunks, corpus.vectors(size))
        read = store.Read(size, Names(name, ""))
        await store.swap(session, target, space, "english", read)


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
    services = dataclasses.replace(services, embedders=OneEmbedder(FreeEmbedder(corpus)))
    questions = corpus.texts(QUESTIONS, ASKED_WORDS, STOP_WORDS)
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
    with tempfile.TemporaryDirectory(prefix="aiconvokit-search-") as folder:
        Path(folder).chmod(0o711)  # the database's own user must pass
        settings = load_settings().model_copy(
            update={"database_url": None, "data_dir": Path(folder), "embedding_model": None}
        )
        with ground(settings) as own:

            async def act() -> list[list[str]]:
                async with services_on(own) as services:
                    return [row for size in sizes for row in await measure(services, size)]

            rows = run_loop(act)
    about = f"{datetime.now(UTC):%Y-%m-%d}, {where}; {QUESTIONS} questions of {ASKED_WORDS} words"
    table = [HEADER, ["---"] * len(HEADER), *rows]
    sys.stdout.write("\n".join([about, "", *(f"| {' | '.join(row)} |" for row in table)]) + "\n")


def tell(what: str) -> None:
    """Progress, apart from the table."""
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
