"""The cache gives what the embedder gave, and asks it once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from aiconvokit.evals.vector_cache import KEYS_PER_SELECT, CachedEmbedder
from ingestion.types import Vectors


@dataclass
class Counting:
    """An embedder that remembers what it was asked."""

    model: str = "counting"
    provider: str = "test"
    asked: list[str] = field(default_factory=list)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, 0.0)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, 1.0)

    async def close(self) -> None:
        raise AssertionError("it belongs to whoever opened it")

    def _embed(self, texts: Sequence[str], role: float) -> Vectors:
        self.asked += texts
        rows = [[float(len(text)), role] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), 2)


async def test_nothing_is_embedded_twice_not_even_in_one_call(tmp_path: Path) -> None:
    inner = Counting()
    cache = CachedEmbedder(inner, tmp_path / "vectors")
    first = await cache.embed_passages(["a", "bbb", "a"])
    assert first.tolist() == [[1, 0], [3, 0], [1, 0]]
    assert (await cache.embed_passages(["bbb", "cc"])).tolist() == [[3, 0], [2, 0]]
    assert inner.asked == ["a", "bbb", "cc"]
    assert (await cache.embed_passages([])).shape == (0, 2)
    await cache.close()


async def test_vectors_outlive_the_process(tmp_path: Path) -> None:
    texts = [f"{number} \ud800" for number in range(KEYS_PER_SELECT + 1)]
    before = CachedEmbedder(Counting(), tmp_path / "vectors")
    made = await before.embed_queries(texts)
    assert before.query_seconds > 0
    await before.close()
    inner = Counting()
    after = CachedEmbedder(inner, tmp_path / "vectors")
    assert np.array_equal(await after.embed_queries(texts), made)
    assert inner.asked == []
    await after.close()


@pytest.mark.parametrize("other", [Counting(model="b"), Counting(provider="b")])
async def test_roles_and_models_have_vectors_of_their_own(tmp_path: Path, other: Counting) -> None:
    first = CachedEmbedder(Counting(), tmp_path / "vectors")
    assert (await first.embed_queries(["a"])).tolist() == [[1, 1]]
    assert (await first.embed_passages(["a"])).tolist() == [[1, 0]]
    second = CachedEmbedder(other, tmp_path / "vectors")
    await second.embed_queries(["a"])
    assert other.asked == ["a"]
    await first.close()
    await second.close()
