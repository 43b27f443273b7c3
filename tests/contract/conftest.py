"""One server for all contract tests; and one that is closed, throttled and shares assistants."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, PASSWORD, Client, Server, running_server, server_environment
from support.starter import run


@pytest.fixture(scope="session")
def contract_database(cluster_url: str) -> str:
    return clone(cluster_url)


@pytest.fixture(scope="session")
def server(contract_database: str, fake_server: FakeModel) -> Iterator[Server]:
    with running_server(contract_database, fake_server.base_url) as found:
        yield found


@pytest.fixture(scope="session")
def ann(server: Server) -> Iterator[Client]:
    with server.login("ann") as client:
        yield client


@pytest.fixture(scope="session")
def bob(server: Server) -> Iterator[Client]:
    with server.login("bob") as client:
        yield client


@pytest.fixture(scope="session")
def nobody(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@dataclass(frozen=True, slots=True)
class Closed:
    """A server for a team: no registration, rate limits, shared assistants."""

    server: Server
    users: Callable[..., "subprocess.CompletedProcess[str]"]

    def login(self, name: str) -> Client:
        """A client with a token of its own."""
        with self.server.client() as client:
            answer = client.post(f"{API}/tokens/", json={"username": name, "password": PASSWORD})
        return self.server.client(Authorization=f"Token {answer.json()['token']}")


@pytest.fixture(scope="module")
def closed(cluster_url: str, fake_server: FakeModel) -> Iterator[Closed]:
    url = clone(cluster_url)
    team = {
        "AICONVOKIT_REGISTRATION": "closed",
        "AICONVOKIT_LIMITS": "on",
        "AICONVOKIT_SHARED_ASSISTANTS": "true",
    }
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        environment = server_environment(folder, url, fake_server.base_url)

        def users(*arguments: str, password: str = PASSWORD) -> "subprocess.CompletedProcess[str]":
            return run(["users", *arguments], environment, timeout=60, said=f"{password}\n")

        data = {"AICONVOKIT_DATA_DIR": environment["AICONVOKIT_DATA_DIR"]}
        with running_server(url, fake_server.base_url, environment=team | data) as server:
            yield Closed(server, users)
