"""What a document's vectors must not become: another model's, or a heap in memory."""

import weakref
from collections.abc import Sequence

import numpy as np
from typing_extensions import override

from aiconvokit.services import Services
from ingestion.pipeline import AT_ONCE
from ingestion.types import Vectors
from support.reading import Listening, collection, column, owner, read, row, upload, with_embedder

LINES = b"\n".join(b"Line %d of a contract about anvils and rockets." % one for one in range(6_000))
DIMENSIONS = 3


class OfOtherDimensions(Listening):
    """Behind the name is another model now."""

    @override
    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.requests.append(list(texts))
        return np.ones((len(texts), DIMENSIONS), dtype=np.float32)


async def test_another_model_behind_the_name_is_told_by_the_first_request(
    services: Services,
) -> None:
    ann = await owner(services, "ann")
    reports = await collection(services, ann)
    (first,) = await upload(services, ann, reports, {"a.txt": b"Rent is due in May."})
    await read(services, first)
    (former,) = await column(services, "SELECT dim FROM embedding_space")

    other = OfOtherDimensions(services.embedder)
    (document,) = await upload(services, ann, reports, {"b.txt": LINES})
    await read(with_embedder(services, other), document)
    state = f"SELECT status, error_code, error_detail FROM document WHERE id = {document}"  # noqa: S608  # an id
    sentence = (
        f"fake gives vectors of {DIMENSIONS} dimensions now, and these documents were embedded "
        f"with {former}: run aiconvokit reindex --to fake"
    )
    assert await row(services, state) == ("failed", "embedding_model_changed", sentence)
    assert len(other.requests) <= 2 * AT_ONCE
    assert await column(services, "SELECT dim FROM embedding_space") == [former]
    assert await column(services, "SELECT count(*) FROM chunk_stage") == [0]


class Kept(Listening):
    """Knows which vectors that it gave are still in memory; `most` of them at once."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.embedder)
        self._given: list[weakref.ref[Vectors]] = []
        self.most = 0

    @override
    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = await super().embed_passages(texts)
        self._given.append(weakref.ref(vectors))
        self.most = max(self.most, sum(one() is not None for one in self._given))
        return vectors


async def test_what_is_staged_leaves_the_memory(services: Services) -> None:
    ann = await owner(services, "ann")
    (document,) = await upload(services, ann, await collection(services, ann), {"a.txt": LINES})
    kept = Kept(services)
    await read(with_embedder(services, kept), document)
    assert await row(services, "SELECT status FROM document") == ("ready",)
    assert len(kept.requests) > 5 * AT_ONCE
    assert kept.most <= 2 * AT_ONCE
