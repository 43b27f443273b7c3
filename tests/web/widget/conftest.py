"""A server with a chat model, and an owner with a document."""

from collections.abc import Iterator

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import Client, Server, running_server
from web.widget.visitors import TEXT


@pytest.fixture(scope="module")
def database(cluster_url: str) -> str:
    """The server's database."""
    return clone(cluster_url)


@pytest.fixture(scope="module")
def server(database: str, fake_server: FakeModel) -> Iterator[Server]:
    """The shipped server whose model says what it is told."""
    model = {"AICONVOKIT_CHAT_MODEL": "fake"}
    with running_server(database, fake_server.base_url, environment=model) as found:
        yield found


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    """Ann's assistant, which knows a contract."""
    return int(ann.assistant(contract_md=TEXT)["id"])
