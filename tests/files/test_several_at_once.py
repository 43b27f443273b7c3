"""Several requests of one document under way: what a kill costs, in whatever order they end."""

import asyncio
from collections.abc import Callable

import pytest
from typing_extensions import override

from aiconvokit.services import Services
from ingestion.embed import Embedder
from ingestion.pipeline import AT_ONCE, BATCH_TOKENS
from support.reading import Listening, collection, column, owner, read, row, upload, with_embedder

LINES = b"\n".join(b"Line %d of a contract about anvils and rockets." % one for one in range(6_000))
PATIENCE_SECONDS = 60


class Slow(Listening):
    """The later of two neighbours is answered first; from one request on none is."""

    def __init__(self, embedder: Embedder, hangs_from: int) -> None:
        super().__init__(embedder)
        self.hangs_from = hangs_from
        self.under_way = self.most = 0

    @override
    async def before(self, number: int) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if number >= self.hangs_from:
                await asyncio.sleep(3_600)
            await asyncio.sleep(0.05 if number % 2 else 0.0)
        finally:
            self.under_way -= 1


async def staged_count(services: Services) -> int:
    return int((await row(services, "SELECT count(*) FROM chunk_stage"))[0])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # nothing sets an event
            await asyncio.sleep(0.02)


async def test_a_kill_costs_one_batch_and_the_rest_is_resumed(services: Services) -> None:
    ann = await owner(services, "ann")
    files = {"a.txt": LINES}
    (document,) = await upload(services, ann, await collection(services, ann), files)
    slow = Slow(services.embedder, hangs_from=11)
    killed = asyncio.create_task(read(with_embedder(services, slow), document))
    await until(lambda: len(slow.requests) > 10)
    answered = [text for request in slow.requests[:10] for text in request]
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await staged_count(services) < len(answered):  # noqa: ASYNC110  # as below
            await asyncio.sleep(0.02)
    killed.cancel()
    await asyncio.wait({killed})
    staged = await column(services, "SELECT context || E'\\n' || content FROM chunk_stage")
    assert sorted(staged) == sorted(answered)  # all that was answered is kept

    resumed = Slow(services.embedder, hangs_from=10_000)
    await read(with_embedder(services, resumed), document)
    assert await row(services, "SELECT status, ready_version FROM document") == ("ready", 1)
    twice = set(resumed.texts) & set(slow.texts)
    assert twice == set(slow.texts) - set(answered)
    sizes = await column(
        services, "SELECT context || E'\\n' || content || '|' || tokens FROM chunk"
    )
    told = dict(one.rsplit("|", 1) for one in sizes)
    assert 0 < sum(int(told[text]) for text in twice) <= BATCH_TOKENS
    whole = await column(services, "SELECT context || E'\\n' || content FROM chunk")
    assert sorted(whole) == sorted(answered + resumed.texts)
    assert slow.most <= AT_ONCE
    left = await row(
        services,
        "SELECT (SELECT count(*) FROM chunk), (SELECT count(*) FROM vec_1),"
        " (SELECT count(*) FROM chunk_stage)",
    )
    assert left == (len(whole), len(whole), 0)


async def test_vectors_stay_with_their_passages(services: Services) -> None:
    ann = await owner(services, "ann")
    files = {"a.txt": LINES[:40_000]}
    (document,) = await upload(services, ann, await collection(services, ann), files)
    await read(with_embedder(services, Slow(services.embedder, hangs_from=10_000)), document)
    whole = await column(
        services, "SELECT context || E'\\n' || content FROM chunk ORDER BY ordinal"
    )
    expected = await services.embedder.embed_passages(whole)
    stored = await column(
        services,
        "SELECT embedding::text FROM vec_1 JOIN chunk ON chunk.id = chunk_id ORDER BY ordinal",
    )
    for vector, text in zip(expected, stored, strict=True):
        assert vector.tolist() == pytest.approx(
            [float(one) for one in text[1:-1].split(",")], abs=1e-3
        )
