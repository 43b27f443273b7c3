"""A server with a chat model, one for each module that asks for it."""

from collections.abc import Iterator

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import Client, client_with_model


@pytest.fixture(scope="module")
def with_model(cluster_url: str, fake_server: FakeModel) -> Iterator[Client]:
    """A user whose model answers after .7 s, so that two turns can meet."""
    with client_with_model(clone(cluster_url), fake_server.base_url, "fake@700") as client:
        yield client
