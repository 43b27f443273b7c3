from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiconvokit.config import Settings
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from support.shelves import Shelf, new_shelf


@pytest.fixture
async def services(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


@pytest.fixture
async def shelf(services: Services) -> Shelf:
    """An empty collection."""
    return await new_shelf(services, "ann")
