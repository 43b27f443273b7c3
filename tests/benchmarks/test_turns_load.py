"""The load and the fake model of `make bench`, as processes of their own over real HTTP."""

import asyncio
import itertools
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from benchmarks.turns.documents import documents, questions, vocabulary
from benchmarks.turns.fake import reply, switches
from benchmarks.turns.servers import Server, fake_model
from benchmarks.turns.session import loading
from benchmarks.turns.vectors import DIMENSIONS, embed
from benchmarks.turns.wire import Answer, Connection
from benchmarks.turns.work import Job, Kind, Outcome, quantile

PROMPT = '<passage number="1" document="a.txt" page="1">\nRevenue rose\nto 5. More.\n</passage>'


@pytest.fixture(scope="module")
def model() -> Iterator[Server]:
    with fake_model() as found:
        yield found


async def ask(base_url: str, name: str, *, stream: bool) -> Answer:
    connection = Connection(base_url)
    body = {
        "model": name,
        "messages": [{"role": "user", "content": PROMPT}],
        "stream": stream,
        "stream_options": {"include_usage": True},
    }
    try:
        return await connection.ask("POST", "/chat/completions", body, first=b'"content"')
    finally:
        connection.close()


async def test_whole_and_streamed_answers_are_the_same(model: Server) -> None:
    whole = await ask(model.base_url, "fake", stream=False)
    streamed = await ask(model.base_url, "fake@1x10000", stream=True)
    *events, last = streamed.body.decode().strip().split("\n\n")
    chunks = [msgspec.json.decode(event.removeprefix("data: ")) for event in events]
    deltas = [choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"]]
    text = msgspec.json.decode(whole.body)["choices"][0]["message"]["content"]
    assert last == "data: [DONE]"
    assert "".join(deltas) == text == reply(PROMPT)
    assert chunks[-1]["usage"]["prompt_tokens"] == len(PROMPT) // 4
    assert streamed.first is not None
    assert (streamed.is_stream, whole.is_stream) == (True, False)


async def test_embeddings_are_those_of_the_fill(model: Server) -> None:
    connection = Connection(model.base_url)
    body = {"input": ["two words", "one"], "model": "fake-embed"}
    answer = await connection.ask("POST", "/embeddings", body)
    connection.close()
    rows = [one["embedding"] for one in msgspec.json.decode(answer.body)["data"]]
    np.testing.assert_allclose(rows, [embed("two words"), embed("one")], atol=1e-6)


@pytest.mark.parametrize("kind", ["model", "model stream"])
async def test_a_job_counts_its_answers(model: Server, kind: Kind) -> None:
    job = Job(kind, model.base_url, 2, 0.2, prompt_characters=5_000, questions=("What?",))

    def measure() -> Outcome:
        with loading("benchmarks.turns.load", job) as load:
            return msgspec.json.decode(load.go(), type=Outcome)

    outcome = await asyncio.to_thread(measure)
    assert outcome.errors == []
    assert outcome.count > 2
    assert outcome.streamed == (kind == "model stream")
    assert len(outcome.firsts) == (outcome.count if outcome.streamed else 0)


async def test_refusals_are_errors_and_no_answers(model: Server) -> None:
    job = Job("search", model.base_url + "/nowhere", 1, 0.1, assistant_ids=(1,), questions=("?",))

    def measure() -> Outcome:
        with loading("benchmarks.turns.load", job) as load:
            return msgspec.json.decode(load.go(), type=Outcome)

    outcome = await asyncio.to_thread(measure)
    assert outcome.seconds == []
    assert outcome.errors[0].startswith("404")


def test_an_answer_quotes_the_first_sentence_that_was_sent() -> None:
    assert reply(PROMPT).startswith("Revenue rose to 5 [1]. The documents")
    assert reply("no passages").startswith("word0 word1")


def test_names_say_how_long_a_model_takes() -> None:
    assert switches("fake") == (0, 0)
    assert switches("fake@300") == (0.3, 0)
    assert switches("fake@300x50") == (0.3, 50)
    assert switches("fake@0x0.1") == (0, 0.1)


def test_texts_that_share_words_are_near_each_other() -> None:
    asked, near, far = embed("the price of steel"), embed("Steel: the price"), embed("a dog barks")
    assert asked.shape == (DIMENSIONS,)
    assert asked @ asked == pytest.approx(1)
    assert asked @ near > 0.8
    assert asked @ far < 0.5


def test_documents_and_questions_are_the_same_each_time() -> None:
    words = vocabulary()
    first, again = (list(itertools.islice(documents(words, 2), 2)) for _ in range(2))
    assert first == again
    assert first[0] != first[1]
    assert questions(words, 3) == questions(vocabulary(), 3)


def test_quantiles() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([3.0, 1.0, 2.0], 1.0) == 3.0
