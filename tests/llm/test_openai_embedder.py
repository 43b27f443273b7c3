import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest

from aiconvokit.llm.errors import BadEmbeddings, ModelError
from aiconvokit.llm.openai_embedder import OpenAIEmbedder
from aiconvokit.llm.text import token_counts
from aiconvokit.llm.traits import Traits
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

        def open_one(mode: str, **kwargs: Any) -> OpenAIEmbedder:
            embedder = OpenAIEmbedder(fake.base_url, SECRET, mode, **{"deadline_s": 10} | kwargs)
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
        ("fake:400", "bad_embeddings", 502, 2),  # of this text: others must not wait for it
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


def sizes(fake: FakeModel) -> list[int]:
    return [len(request.body["input"]) for request in fake.requests()]


@pytest.mark.parametrize(
    ("mode", "batch_items", "asked"),
    [
        ("batch_limit=10", 10, [40, 10, 10, 10, 10]),
        ("batch_limit_unsaid=10", 10, [40, 20, 10, 10, 20, 10, 10]),
    ],
)
async def test_a_limit_of_texts_is_remembered(
    fake: FakeModel, opened: Opened, mode: str, batch_items: int, asked: list[int]
) -> None:
    learnt: list[Traits] = []
    texts = [f"number {number}" for number in range(40)]
    embedder = opened(f"fake:{mode}", on_learnt=learnt.append)

    first = await embedder.embed_passages(texts)
    assert sizes(fake) == asked
    fake.reset()
    np.testing.assert_array_equal(await embedder.embed_passages(texts), first)
    assert sizes(fake) == [batch_items] * 4
    assert learnt[-1].batch_items == batch_items

    fake.reset()
    again = opened(f"fake:{mode}", traits=learnt[-1])
    np.testing.assert_array_equal(await again.embed_passages(texts), first)
    assert sizes(fake) == [batch_items] * 4
    np.testing.assert_array_equal(await opened("fake").embed_passages(texts), first)


async def test_a_limit_of_length_is_remembered(fake: FakeModel, opened: Opened) -> None:
    learnt: list[Traits] = []
    long = "revenue rose " * 100
    (tokens,) = await token_counts([long])
    embedder = opened("fake:too_large=700", on_learnt=learnt.append)

    (first,) = await embedder.embed_passages([long])
    assert len(fake.requests()) == 3
    (known,) = learnt
    assert known.input_tokens == int(tokens * 0.9)
    fake.reset()
    (second,) = await embedder.embed_passages([long])

    np.testing.assert_allclose(second, first, atol=1e-6)
    assert sizes(fake) == [2], "cut before it is sent, as it was cut after it was refused"
    await embedder.embed_passages(["revenue rose " * 40])
    assert sizes(fake) == [2, 1], "what fits stays whole"
    assert len(learnt) == 1


async def test_a_refused_encoding_format_is_left_out(fake: FakeModel, opened: Opened) -> None:
    embedder = opened("fake:minimal")
    for _ in range(2):
        await embedder.embed_queries(["word"])
    assert ["encoding_format" in each.body for each in fake.requests()] == [True, False, False]


async def test_questions_use_one_connection(fake: FakeModel, opened: Opened) -> None:
    embedder = opened("fake")
    for _ in range(3):
        await embedder.embed_queries(["word"])
    assert len({request.client for request in fake.requests()}) == 1
