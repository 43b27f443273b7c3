"""What every Embedder must do, whatever stands behind it: each quirk of the fake, and live."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from aiconvokit.llm.local_embedder import LocalEmbedder
from aiconvokit.llm.openai_embedder import OpenAIEmbedder
from fake_model.server import FakeModel
from ingestion.embed import Embedder
from llm.conformance import live

TEXTS = [
    "Revenue rose by twelve percent in Europe.",
    "The lessee pays the rent on the first day of the month.",
    "Our auditors found no material weakness.",
]


QUIRKS = [
    "minimal",
    "shuffled",
    "no_index",
    "batch_limit=2",
    "batch_limit_unsaid=2",
    "too_large=120",
    "too_large_500=120",
    "500-once",
    "429=0-once",
    "html200-once",
]


@pytest.fixture(
    scope="module",
    params=[
        "local",
        "fake",
        *(f"fake:{quirk}" for quirk in QUIRKS),
        pytest.param("live", marks=pytest.mark.live),
    ],
)
async def embedder(
    request: pytest.FixtureRequest, fake_server: FakeModel
) -> AsyncIterator[Embedder]:
    made: Embedder
    if request.param == "local":
        made = LocalEmbedder()
    elif request.param == "live":
        address, name = live.setting("BASE_URL"), live.setting("EMBEDDING_MODEL")
        made = OpenAIEmbedder(address, live.api_key(), name, deadline_s=live.DEADLINE_SECONDS)
    else:
        made = OpenAIEmbedder(fake_server.base_url, None, request.param)
    yield made
    await made.close()


async def test_names_its_space(embedder: Embedder) -> None:
    assert embedder.provider
    assert embedder.model
    passages = await embedder.embed_passages(["one"])
    queries = await embedder.embed_queries(["one"])
    assert passages.shape == queries.shape


async def test_a_unit_row_for_each_text_in_order(embedder: Embedder) -> None:
    together = await embedder.embed_passages(TEXTS)
    alone = np.concatenate([await embedder.embed_passages([text]) for text in TEXTS])

    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-4)


async def test_a_question_is_nearest_to_its_passage(embedder: Embedder) -> None:
    passages = await embedder.embed_passages(TEXTS)
    questions = await embedder.embed_queries(["rent of the lessee", "revenue in Europe"])
    assert (questions @ passages.T).argmax(axis=1).tolist() == [1, 0]


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert len(await embedder.embed_passages([])) == 0


async def test_texts_that_a_pipe_or_a_c_string_would_break(embedder: Embedder) -> None:
    odd = ["", " ", "Revenue\x00 rose by twelve percent in Europe.\ud83d", "x" * 5_000]
    vectors = await embedder.embed_passages(odd)

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    (clean,) = await embedder.embed_passages(TEXTS[:1])
    assert vectors[2] @ clean > 0.999


async def test_a_long_text_is_embedded_to_its_end(embedder: Embedder) -> None:
    filler = "Nothing of note happened on that day. " * 60
    end = "The lessee pays the rent for the warehouse in Rotterdam to the landlord. " * 20
    with_end, without = await embedder.embed_passages([filler + end, filler])
    (question,) = await embedder.embed_queries(["lessee, rent, warehouse, Rotterdam, landlord"])
    assert question @ with_end > question @ without


async def test_many_callers_get_their_own(embedder: Embedder) -> None:
    words = [f"number {n} {'abcdefghij'[n] * 3}" for n in range(10)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(embedder.embed_queries([word])) for word in words]
    alone = [await embedder.embed_queries([word]) for word in words]
    for task, expected in zip(tasks, alone, strict=True):
        np.testing.assert_allclose(task.result(), expected, atol=1e-4)


async def test_a_caller_who_gives_up_leaves_no_answer_for_the_next(embedder: Embedder) -> None:
    expected = await embedder.embed_queries(["What was the revenue?"])
    for delay in (0, 0.001, 0.01, 0.05):
        given_up = asyncio.create_task(embedder.embed_passages(TEXTS * 5))
        await asyncio.sleep(delay)
        given_up.cancel()
        got = await embedder.embed_queries(["What was the revenue?"])
        np.testing.assert_allclose(got, expected, atol=1e-4)
        await asyncio.wait({given_up})
