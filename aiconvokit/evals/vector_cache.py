"""Vectors kept between runs: the same text is never embedded twice."""

import asyncio
import dataclasses
import hashlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from aiconvokit.services import Services
from ingestion.embed import Embedder, Embedders
from ingestion.types import Vectors

BUSY_SECONDS = 60
"""Two runs may share the file; a write takes milliseconds."""
KEYS_PER_SELECT = 500
"""SQLite takes at least 999 parameters in a statement."""


class CachedEmbedder:
    """An `Embedder` that asks another one for what it has not seen yet.

    Vectors lie in one SQLite file by the SHA-256 of provider, model, role and text; each batch is
    committed. A model that changes behind its name needs the file deleted. For any thread.
    """

    def __init__(self, inner: Embedder, path: Path) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS vector (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
                " WITHOUT ROWID"
            )
        self.query_seconds = 0.0
        """Time spent in `embed_queries` so far, which a search's own time does not include."""

    @property
    def provider(self) -> str:
        return self._inner.provider

    @property
    def model(self) -> str:
        return self._inner.model

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return await self._embed("passage", texts, self._inner.embed_passages)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        began = time.perf_counter()
        try:
            return await self._embed("query", texts, self._inner.embed_queries)
        finally:
            self.query_seconds += time.perf_counter() - began

    async def close(self) -> None:
        """Close the file; the inner embedder belongs to whoever opened it."""
        with self._lock:
            self._connection.close()

    async def _embed(
        self,
        role: str,
        texts: Sequence[str],
        embed: Callable[[Sequence[str]], Awaitable[Vectors]],
    ) -> Vectors:
        if not texts:
            return await embed(texts)
        keys = [self._key(role, text) for text in texts]
        known = await asyncio.to_thread(self._read, keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            vectors = np.asarray(await embed(list(missing.values())), dtype=np.float32)
            made = dict(zip(missing, vectors, strict=True))
            await asyncio.to_thread(self._write, made)
            known |= made
        return np.stack([known[key] for key in keys])

    def _key(self, role: str, text: str) -> bytes:
        parts = (self.provider, self.model, role, text)
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.digest()

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        with self._lock:
            for start in range(0, len(keys), KEYS_PER_SELECT):
                part = keys[start : start + KEYS_PER_SELECT]
                marks = ",".join("?" * len(part))
                rows = self._connection.execute(
                    f"SELECT key, value FROM vector WHERE key IN ({marks})",  # noqa: S608 - marks only
                    part,
                )
                found.update((key, np.frombuffer(value, dtype="<f4")) for key, value in rows)
        return found

    def _write(self, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with self._lock, self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO vector VALUES (?, ?)", rows)


class CachedEmbedders:
    """Every embedder behind the same cache."""

    def __init__(self, inner: Embedders, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._configured = CachedEmbedder(inner.configured, path)
        self._cached = [self._configured]

    @property
    def configured(self) -> Embedder:
        return self._configured

    async def of(self, provider: str, model: str) -> Embedder:
        for known in self._cached:
            if (known.provider, known.model) == (provider, model):
                return known
        self._cached.append(CachedEmbedder(await self._inner.of(provider, model), self._path))
        return self._cached[-1]

    async def close(self) -> None:
        """Close the file; the inner embedders belong to whoever opened them."""
        for one in self._cached:
            await one.close()


@asynccontextmanager
async def caching(services: Services, path: Path) -> AsyncIterator[Services]:
    """The services with their embedders behind a cache."""
    embedders = CachedEmbedders(services.embedders, path)
    try:
        yield dataclasses.replace(services, embedders=embedders)
    finally:
        await embedders.close()
