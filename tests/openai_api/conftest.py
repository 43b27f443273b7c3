"""The unmodified official client against the shipped server with a chat model behind it."""

from collections.abc import Iterator

import openai
import pytest

from fake_model.server import FakeModel
from support.official import official
from support.server import Client, Server


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """A chat model that answers at once."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


@pytest.fixture(autouse=True)
def _nothing_scripted(fake: FakeModel) -> None:
    """Every test begins with a fake model that nobody told anything."""


@pytest.fixture(scope="module")
def anns(server: Server, ann: Client) -> Iterator[openai.OpenAI]:
    """Ann's OpenAI client; `ann` is the same user on `/api/v1`."""
    yield from _client(server, ann)


@pytest.fixture(scope="module")
def bobs(server: Server, bob: Client) -> Iterator[openai.OpenAI]:
    """Bob's: nothing of Ann's is there for him."""
    yield from _client(server, bob)


def _client(server: Server, user: Client) -> Iterator[openai.OpenAI]:
    with official(server, user) as client:
        yield client
