"""A server that has more to do than connections to do it with says so."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from contract.rows import row
from contract.wire import exactly
from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, Client, running_server
from support.waiting import eventually

BUSY = '{"detail":"The server is busy. Try again in a moment.","code":"server_busy"}'
ONE_CONNECTION = {"AICONVOKIT_POOL_SIZE": "1"}
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def database(cluster_url: str) -> str:
    return clone(cluster_url)


@pytest.fixture(scope="module")
def ann(database: str, fake_server: FakeModel) -> Iterator[Client]:
    """A user of a server with one connection in each of its pools."""
    with (
        running_server(database, fake_server.base_url, environment=ONE_CONNECTION) as server,
        server.login("ann") as client,
    ):
        yield client


@contextmanager
def held(database: str, table: str, client: Client) -> Iterator[list[httpx.Response]]:
    """A list of assistants waits for a table, with the connection that it has, until the end."""
    waiting: list[httpx.Response] = []
    with psycopg.connect(database) as holder:
        holder.execute(f"LOCK TABLE {table}")
        thread = threading.Thread(
            target=lambda: waiting.append(client.get(f"{API}/assistants/")), daemon=True
        )
        thread.start()
        with psycopg.connect(database, autocommit=True) as watcher:
            eventually(lambda: watcher.execute(_WAITING).fetchone() == (1,))
        yield waiting
    thread.join()


@row("codes")
@pytest.mark.parametrize("table", ["token", "assistant"], ids=["turns", "sessions"])
def test_busy_is_not_away(database: str, ann: Client, table: str) -> None:
    with held(database, table, ann) as waiting:
        refused = ann.get(f"{API}/assistants/")
    exactly(refused, 503, BUSY)
    assert int(refused.headers["retry-after"]) > 0
    assert [one.status_code for one in waiting] == [200]
    assert ann.get(f"{API}/assistants/").status_code == 200
