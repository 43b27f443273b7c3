from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from aiconvokit.config import Settings
from aiconvokit.llm.remember import host_and_port
from aiconvokit.operations.reindex import filling
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel, running_fake_model
from ingestion import store
from ingestion.tables import Collection
from support.shelves import Shelf, new_shelf

FORMER_DIMENSIONS, DIMENSIONS = 256, 64


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "PAUSES", (0.05,))
    monkeypatch.setattr(filling, "BUILD_PAUSE_SECONDS", 0.05)


@pytest.fixture(scope="session")
def other_server() -> Iterator[FakeModel]:
    """A server whose vectors have other dimensions: no statement can mix the two."""
    with running_fake_model(dimensions=DIMENSIONS) as fake:
        yield fake


@pytest.fixture
def other(other_server: FakeModel) -> FakeModel:
    other_server.reset()
    return other_server


@pytest.fixture
async def services(
    database_url: str, fake: FakeModel, other: FakeModel, tmp_path: Path
) -> AsyncIterator[Services]:
    """The chat server embedded what is there; the embedding server is a new one."""
    settings = Settings(
        openai_base_url=fake.base_url, embedding_base_url=other.base_url, embedding_model="new"
    )
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


@pytest.fixture
def in_old(services: Services) -> Callable[[str], Awaitable[Shelf]]:
    """Makes a user's collection in the space of the former model."""

    async def made(username: str) -> Shelf:
        shelf = await new_shelf(services, username)
        provider = host_and_port(services.settings.openai_base_url)
        async with services.owner_sessions.begin() as session:
            space = await store.ensure_space(session, provider, "old", FORMER_DIMENSIONS)
            await session.execute(
                update(Collection).where(Collection.id == shelf.id).values(space_id=space)
            )
        return shelf

    return made


@pytest.fixture
async def shelf(in_old: Callable[[str], Awaitable[Shelf]]) -> Shelf:
    """Ann's."""
    return await in_old("ann")
