"""Stage and swap alone, and how their rate changes with what is stored already."""

import itertools
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.db import Sessions, create_engine, create_sessions
from aiconvokit.files import queries as file_queries
from aiconvokit.storage import Stored
from benchmarks.turns.documents import documents, vocabulary
from benchmarks.turns.fill import Tell, new_collection, owner
from ingestion import stage_store, store
from ingestion.chunk import chunk_document
from ingestion.documents import Chunk, ParsedDocument
from ingestion.language import detect, sample
from ingestion.names import names_of
from ingestion.tables import Document
from ingestion.types import Vectors

DIMENSIONS = 384
BATCH = 30
"""Passages staged in one transaction: about what arrives together."""
MEASURED = 20
"""Documents of one measurement."""
TEMPLATES = 40
"""Different documents, used again and again: cutting is not what is measured."""


class Rate(msgspec.Struct, frozen=True):
    """Documents that were put in when so many passages were there."""

    stored: int
    passages: int
    wall: float
    postgres_cpu: float | None
    """Seconds of the connection's own server process; None: it is on another machine."""


class Filler:
    """Puts documents into one collection, over one connection."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        made = itertools.islice(documents(vocabulary()), TEMPLATES)
        self._documents = itertools.cycle([(one, chunk_document(one)) for one in made])
        drawn = np.random.default_rng(1).normal(size=(4_096, DIMENSIONS)).astype(np.float32)
        self._vectors: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        self._number = itertools.count()
        self.stored = 0

    async def open(self) -> None:
        """Make the user and the space."""
        async with self._sessions.begin() as session:
            self._owner_id = await owner(session)
            self._space_id = await store.ensure_space(session, "bench", "bench", DIMENSIONS)
            self._pid = await session.scalar(text("SELECT pg_backend_pid()"))

    async def collection(self) -> int:
        """A new one."""
        async with self._sessions.begin() as session:
            return await new_collection(session, self._owner_id)

    async def fill(self, collection_id: int, until: int, tell: Tell) -> None:
        """Put documents in until so many passages are stored in all."""
        told = time.monotonic()
        while self.stored < until:
            await self._put(collection_id, *next(self._documents))
            if time.monotonic() - told > 30:
                told = time.monotonic()
                tell(f"{self.stored:,} passages")

    async def measure(self, collection_id: int) -> Rate:
        """Put some documents in and tell how fast that was."""
        stored, began, cpu = self.stored, time.perf_counter(), self._cpu()
        for _ in range(MEASURED):
            await self._put(collection_id, *next(self._documents))
        wall, used = time.perf_counter() - began, self._cpu()
        spent = None if cpu is None or used is None else used - cpu
        return Rate(stored, self.stored - stored, wall, spent)

    def _cpu(self) -> float | None:
        try:
            times = psutil.Process(self._pid).cpu_times()
        except psutil.NoSuchProcess:  # another machine's
            return None
        return float(times.user + times.system)

    async def _put(
        self, collection_id: int, document: ParsedDocument, chunks: Sequence[Chunk]
    ) -> None:
        number = next(self._number)
        async with self._sessions.begin() as session:
            target = await self._begin(session, collection_id, number, document)
        places = (number * 977 + np.arange(len(chunks)) * 31) % len(self._vectors)
        vectors = self._vectors[places]
        for part in _parts(len(chunks)):
            async with self._sessions.begin() as session:
                await store.is_wanted(session, target)
                await stage_store.stage(
                    session, target, self._space_id, chunks[part], vectors[part]
                )
        language = detect(sample(page.text for page in document.pages))
        read = store.Read(len(document.pages), names_of(target.filename, document))
        async with self._sessions.begin() as session:
            await store.store_pages(session, target, document.pages)
            await store.swap(session, target, self._space_id, language, read)
        self.stored += len(chunks)

    async def _begin(
        self, session: AsyncSession, collection_id: int, number: int, document: ParsedDocument
    ) -> store.Target:
        name = f"report-{number:06d}.txt"
        stored = Stored(number.to_bytes(32, "big"), 1, b"")
        file_id = await file_queries.upsert_file(
            session, self._owner_id, stored, name, document.media_type
        )
        named = Document(filename=name, media_type=document.media_type, title=document.title)
        made = await file_queries.upsert_document(session, collection_id, file_id, named)
        target = None if made is None else await store.begin(session, made)
        if target is None:
            raise RuntimeError(name)
        return target


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, BATCH):
        yield slice(start, start + BATCH)


async def growth(database_url: str, sizes: Sequence[int], tell: Tell) -> list[Rate]:
    """The rate into one growing collection without an index, at each size in turn."""
    engine = create_engine(database_url, pool_size=1)
    filler = Filler(create_sessions(engine))
    try:
        await filler.open()
        collection_id = await filler.collection()
        rates = []
        for size in sizes:
            await filler.fill(collection_id, size, tell)
            rates.append(await filler.measure(collection_id))
            tell(f"measured at {rates[-1].stored:,} passages")
        return rates
    finally:
        await engine.dispose()
