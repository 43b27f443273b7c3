import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import numpy as np
import pytest

from aiconvokit.llm.errors import BadEmbeddings, ModelError
from aiconvokit.llm.openai_embedder import OpenAIEmbedder
from fake_model.server import DIMENSIONS, FakeModel
from fake_model.waiting import eventually
from ingestion.errors import EmbeddingFailed

SECRET = "sk-very-secret"
TEXTS = ["revenue rose", "costs fell", "nothing else happened"]

Opened = Callable[..., OpenAIEmbedder]


@pytest.fixture
async def opened(fake: FakeModel) -> AsyncIterator[Opened]:
    """Opens embedders of the fake and closes them after the test."""
    async with AsyncExitStack() as stack:

        def open_one(mode: str, *, deadline_s: float = 10) -> OpenAIEmbedder:
            embedder = OpenAIEmbedder(fake.base_url, SECRET, mode, deadline_s=deadline_s)
            stack.push_async_callback(embedder.close)
            return embedder

        yield open_one


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.openai.com/v1", "api.openai.com:443"),
        ("http://Models.local:8080/v1/", "models.local:8080"),
        ("http://[::1]/v1", "::1:80"),
    ],
)
async def test_the_provider_is_host_and_port(base_url: str, provider: str) -> None:
    embedder = OpenAIEmbedder(base_url, None, "any")
    assert embedder.provider == provider
    await embedder.close()


async def test_asks_for_floats_and_never_for_dimensions(fake: FakeModel, opened: Opened) -> None:
    vectors = await opened("fake").embed_passages(TEXTS)

    assert vectors.shape == (3, DIMENSIONS)
    (request,) = fake.requests()
    assert request.body == {"model": "fake", "input": TEXTS, "encoding_format": "float"}


async def test_batches_by_items_and_by_tokens(fake: FakeModel, opened: Opened) -> None:
    short, long = ["word"] * 600, ["many words " * 1500] * 5
    await opened("fake").embed_passages(short + long)

    sizes = sorted(len(request.body["input"]) for request in fake.requests())
    assert sizes == [1, 2, 90, 256, 256]


@pytest.mark.parametrize(
    ("mode", "code", "status", "tries"),
    [
        ("fake:401", "embedder_misconfigured", 502, 1),
        ("fake:404", "embedder_misconfigured", 502, 1),
        ("fake:500", "embedder_unreachable", 502, 2),
        ("fake:429=120", "embedder_rate_limited", 503, 1),
        ("fake:429=0", "embedder_rate_limited", 503, 2),
        ("fake:html200", "bad_embeddings", 502, 2),
        ("fake:error200", "bad_embeddings", 502, 2),
        ("fake:badjson", "bad_embeddings", 502, 2),
        ("fake:nan", "bad_embeddings", 502, 2),
        ("fake:wrong_count", "bad_embeddings", 502, 1),
        ("fake:dims_change", "bad_embeddings", 502, 1),
        ("fake:overflow", "bad_embeddings", 502, 1),
        ("fake:zero", "bad_embeddings", 502, 1),
        ("fake:bad_index", "bad_embeddings", 502, 1),
        ("fake:too_large=0", "input_too_long", 422, 8),
    ],
)
async def test_faults(
    fake: FakeModel, opened: Opened, mode: str, code: str, status: int, tries: int
) -> None:
    with pytest.raises(ModelError) as caught:
        await opened(mode).embed_passages(TEXTS)

    assert (caught.value.code, caught.value.status) == (code, status)
    assert isinstance(caught.value, EmbeddingFailed) == (code == "bad_embeddings")
    assert SECRET not in caught.value.detail
    assert len(fake.requests()) == tries


async def test_a_fault_of_one_batch_is_the_fault_of_all(opened: Opened) -> None:
    with pytest.raises(BadEmbeddings):
        await opened("fake:zero").embed_passages(["word"] * 600)


async def test_one_deadline(opened: Opened) -> None:
    with pytest.raises(ModelError) as caught:
        await opened("fake:hang", deadline_s=0.2).embed_queries(["word"])
    assert (caught.value.code, caught.value.status) == ("embedder_timeout", 504)


@pytest.mark.parametrize("mode", ["shuffled", "no_index", "500-once", "429=0-once"])
async def test_answers_that_can_be_used(opened: Opened, mode: str) -> None:
    expected = await opened("fake").embed_passages(TEXTS)
    np.testing.assert_array_equal(await opened(f"fake:{mode}").embed_passages(TEXTS), expected)


@pytest.mark.parametrize("mode", ["too_large=100", "too_large_500=100"])
async def test_what_is_too_large_is_halved(fake: FakeModel, opened: Opened, mode: str) -> None:
    long = "revenue rose " * 12 + "costs fell " * 12
    texts = [*TEXTS, long]

    vectors = await opened(f"fake:{mode}").embed_passages(texts)

    whole = await opened("fake").embed_passages(texts)
    np.testing.assert_allclose(vectors[:3], whole[:3], atol=1e-6)
    assert vectors[3] @ whole[3] > 0.95
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_a_query_does_not_wait_for_passages(fake: FakeModel, opened: Opened) -> None:
    embedder = opened("fake@300")
    passages = asyncio.create_task(embedder.embed_passages(["word"] * 256 * 6))
    await eventually(lambda: len(fake.requests()) == 2)

    await embedder.embed_queries(["word"])

    assert not passages.done()
    await passages


async def test_two_requests_are_under_way_at_once(fake: FakeModel, opened: Opened) -> None:
    passages = asyncio.create_task(opened("fake@300").embed_passages(["word"] * 256 * 4))
    await eventually(lambda: len(fake.requests()) == 2)
    await asyncio.sleep(0.1)
    assert [request.outcome for request in fake.requests()] == ["under_way"] * 2
    await passages
