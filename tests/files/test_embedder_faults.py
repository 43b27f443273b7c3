"""What a search or a turn says when the embedder fails; the documents were read before."""

from collections.abc import Iterator

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, client_with_model


@pytest.fixture(scope="module")
def client(cluster_url: str, fake_server: FakeModel) -> Iterator[Client]:
    with client_with_model(clone(cluster_url), fake_server.base_url, "fake") as found:
        yield found


@pytest.fixture(scope="module")
def assistant(client: Client) -> int:
    return int(client.assistant(a_txt=b"Revenue rose by twelve percent in Europe.")["id"])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("401", (502, "embedder_misconfigured", None)),
        ("404", (502, "embedder_misconfigured", None)),
        ("500", (502, "embedder_unreachable", None)),
        ("429=60", (503, "embedder_rate_limited", "60")),
        ("html200", (502, "bad_embeddings", None)),
        ("badjson", (502, "bad_embeddings", None)),
        ("nan", (502, "bad_embeddings", None)),
        ("wrong_count", (502, "bad_embeddings", None)),
        ("zero", (502, "bad_embeddings", None)),
    ],
)
def test_a_turn_says_what_is_wrong_with_the_embedder(
    client: Client,
    assistant: int,
    fake: FakeModel,
    mode: str,
    expected: tuple[int, str, str | None],
) -> None:
    chat = client.chat(assistant)
    fake.spoil("/embeddings", mode)
    asked = {"assistant_id": assistant, "input": f"How did revenue change, {mode}?"}
    answer = client.put(f"{API}/chat/{chat}/", json=asked)

    found = (answer.status_code, answer.json()["code"], answer.headers.get("retry-after"))
    assert found == expected
    assert not fake.chats(), "no answer without a search"
    fake.reset()
    assert "citations" in client.ask(chat, assistant, "How did revenue change?")
