"""Fixtures on real parts: the embedded Postgres with the real migrations, the shipped server."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres import EmbeddedPostgres
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel, running_fake_model
from support.databases import TEMPLATE, clone
from support.databases import database as named
from support.server import Client, Server, running_server
from support.starter import starter


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """An embedded server with one migrated database, to be cloned."""
    folder = Path(tempfile.mkdtemp(prefix="ack-")).resolve()
    folder.chmod(0o711)  # the unprivileged server user must pass through
    try:
        with EmbeddedPostgres(folder / "data") as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {TEMPLATE}")
            schema.upgrade(named(url, TEMPLATE))
            yield url
            # It is thrown away: the files of a hundred databases need not be synced, for half a
            # minute, when it stops. Not before: `doctor` looks at this setting.
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def database_url(cluster_url: str) -> str:
    """A database of the test's own."""
    return clone(cluster_url)


@pytest.fixture(scope="session", autouse=True)
def commands() -> Iterator[None]:
    """What starts servers ends with the tests."""
    yield
    if starter.cache_info().currsize:
        starter().close()


@pytest.fixture(scope="session")
def fake_server() -> Iterator[FakeModel]:
    """One fake model server for all tests."""
    with running_fake_model() as fake:
        yield fake


@pytest.fixture
def fake(fake_server: FakeModel) -> FakeModel:
    """The fake model server, with nothing recorded or scripted."""
    fake_server.reset()
    return fake_server


@pytest.fixture
async def services(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Services]:
    """What routes and the worker share, on the test's database, with fake models."""
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def database(cluster_url: str) -> str:
    """The database of the module's server."""
    return clone(cluster_url)


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """What the module's server is told besides; for modules to say more."""
    return {}


@pytest.fixture(scope="module")
def server(database: str, settings: dict[str, str], fake_server: FakeModel) -> Iterator[Server]:
    """The shipped server with its worker, on a database of the module's own, with fake models."""
    with running_server(database, fake_server.base_url, environment=settings) as found:
        yield found


@pytest.fixture(scope="module")
def ann(server: Server) -> Iterator[Client]:
    """A logged-in user."""
    with server.login("ann") as client:
        yield client


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[Client]:
    """Another one, who must not see what is Ann's."""
    with server.login("bob") as client:
        yield client
