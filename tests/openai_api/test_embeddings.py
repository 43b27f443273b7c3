"""`/v1/embeddings`: the configured embedder, called as OpenAI's."""

import base64
import struct
from typing import Any

import httpx
import openai
import pytest

from aiconvokit.openai_api.embeddings.tokens import text_of
from fake_model.server import DIMENSIONS, FakeModel
from fake_model.vectors import bag_of_words
from support.server import Client, Server

HELLO_WORLD = [9906, 1917]
"""In cl100k_base, as OpenAI's cookbook has it."""


def embedded(client: openai.OpenAI, given: Any, **more: Any) -> list[list[float]]:
    made = client.embeddings.create(model="fake", input=given, **more)
    assert [one.index for one in made.data] == list(range(len(made.data)))
    return [one.embedding for one in made.data]


def test_texts_get_the_embedders_vectors(anns: openai.OpenAI) -> None:
    found = embedded(anns, ["one pump", "two pumps"])
    assert found[0] == pytest.approx(bag_of_words("one pump", DIMENSIONS))
    assert found[1] == pytest.approx(bag_of_words("two pumps", DIMENSIONS))
    assert embedded(anns, "one pump") == [found[0]]


def test_both_encodings_are_the_same_numbers(server: Server, anns: openai.OpenAI) -> None:
    def ask(form: str) -> Any:
        body = {"model": "fake", "input": "one pump", "encoding_format": form}
        headers = {"Authorization": f"Bearer {anns.api_key}"}
        answer = httpx.post(f"{server.base_url}/v1/embeddings", json=body, headers=headers)
        return answer.json()["data"][0]["embedding"]

    packed = base64.b64decode(ask("base64"))
    assert list(struct.unpack(f"<{DIMENSIONS}f", packed)) == ask("float")


def test_tokens_are_read_as_the_clients_count_them(anns: openai.OpenAI) -> None:
    (text,) = embedded(anns, "Hello world")
    assert embedded(anns, HELLO_WORLD) == [text]
    assert embedded(anns, [HELLO_WORLD, HELLO_WORLD]) == [text, text]


def test_a_character_that_was_cut_in_two_is_no_error() -> None:
    assert text_of([15722]) == "\N{REPLACEMENT CHARACTER}" or text_of([15722])
    assert text_of(HELLO_WORLD) == "Hello world"
    with pytest.raises(ValueError, match="100256"):
        text_of([100_256])


@pytest.mark.parametrize(
    "model", ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"]
)
def test_names_that_programs_have_in_their_code(anns: openai.OpenAI, model: str) -> None:
    made = anns.embeddings.create(model=model, input="one pump")
    assert made.model == "fake"
    assert made.usage.prompt_tokens == made.usage.total_tokens == 2


def test_any_other_model_is_unknown(anns: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        anns.embeddings.create(model="text-embedding-4", input="one pump")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def sent(fake: FakeModel) -> list[str]:
    """All texts that the embedder was given."""
    asked = [one for one in fake.requests() if one.path == "/v1/embeddings"]
    return [text for one in asked for text in one.body["input"]]


def test_the_models_own_dimensions_may_be_asked_for(
    anns: openai.OpenAI, ann: Client, fake: FakeModel
) -> None:
    texts = ["one pump", "two pumps", "three pumps"]

    def refuse() -> None:
        with pytest.raises(openai.BadRequestError, match=f"{DIMENSIONS} dimensions") as refused:
            embedded(anns, texts, dimensions=64)
        assert refused.value.param == "dimensions"

    refuse()  # by what the first text comes to: nothing else was ever embedded here
    assert sent(fake) == texts[:1]
    assert [len(one) for one in embedded(anns, texts, dimensions=DIMENSIONS)] == [DIMENSIONS] * 3
    ann.assistant("Reports", report_txt=b"The pump is red.")
    fake.reset()
    refuse()
    assert sent(fake) == []
    assert [len(one) for one in embedded(anns, texts, dimensions=DIMENSIONS)] == [DIMENSIONS] * 3
    assert sent(fake) == texts


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_what_it_is_for_may_be_said(anns: openai.OpenAI, kind: str) -> None:
    assert embedded(anns, "one pump", extra_body={"input_type": kind}, user="u")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "empty"),
        (["one", ""], "empty"),
        ([[]], "empty"),
        ([], "input"),
        (["one", 2], "one kind"),
        (["one", [9906]], "one kind"),
        ([[9906], 9906], "one kind"),
        ([-1], "no token"),
        ([[999_999]], "no token"),
        (["x"] * 2_049, "2048"),
        (["pump " * 1_000] * 301, "300000"),
        (None, "input"),
        ({"text": "one"}, "input"),
        ("NUL\x00", "input"),
    ],
    ids=range(14),
)
def test_wrong_input(anns: openai.OpenAI, given: Any, why: str) -> None:
    with pytest.raises(openai.BadRequestError, match=why) as refused:
        embedded(anns, given)
    assert str(refused.value.param).startswith("input")


def test_a_batch_as_large_as_openais(anns: openai.OpenAI, fake: FakeModel) -> None:
    given = [f"the {number}th text of many, each of which has some words" for number in range(2048)]
    found = embedded(anns, given)
    assert found[-1] == pytest.approx(bag_of_words(given[-1], DIMENSIONS))


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [
        ("500", 502, "embedder_unreachable"),
        ("wrong_count", 502, "bad_embeddings"),
        ("429", 503, "embedder_rate_limited"),
        ("401", 502, "embedder_misconfigured"),
    ],
)
def test_a_failing_embedder(
    anns: openai.OpenAI, fake: FakeModel, mode: str, status: int, code: str
) -> None:
    fake.spoil("/embeddings", mode)
    with pytest.raises(openai.InternalServerError) as refused:
        embedded(anns, "one pump")
    assert (refused.value.status_code, refused.value.code) == (status, code)
    assert refused.value.type == "server_error"


def test_nobody_without_a_key(server: Server) -> None:
    with (
        openai.OpenAI(base_url=f"{server.base_url}/v1", api_key="no", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        embedded(client, "one pump")
