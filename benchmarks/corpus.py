"""Made-up passages, questions and vectors, and how they come into a database as the worker's do."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aiconvokit.files.tables import StoredFile
from aiconvokit.services import Services
from ingestion import stage_store, store
from ingestion.names import Names
from ingestion.tables import Collection, Document
from ingestion.types import Chunk, Page, Vectors

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


class Asker:
    """An embedder that costs nothing: each question has a vector of its own, made before.

    Those of passages are made by the filling itself.
    """

    provider, model = "benchmark", "free"

    def __init__(self, corpus: Corpus, questions: Sequence[str]) -> None:
        made = corpus.vectors(len(questions))
        self._ready = dict(zip(questions, made, strict=True))

    def of(self, question: str) -> Vectors:
        """A question's vector."""
        found: Vectors = self._ready[question]
        return found

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError(texts)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._ready[one] for one in texts])

    async def close(self) -> None:
        """Nothing is open."""


def _word(rank: int) -> str:
    """A word of its own for each rank, that no stemmer shortens."""
    letters = ""
    rank += 1
    while rank:
        rank, place = divmod(rank, len(_SYLLABLES))
        letters += _SYLLABLES[place]
    return letters + "x"


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
        space = await store.ensure_space(session, Asker.provider, Asker.model, DIM)
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
