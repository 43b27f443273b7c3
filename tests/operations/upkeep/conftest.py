import pytest

from aiconvokit.services import Services
from support.shelves import Shelf, new_shelf


@pytest.fixture
async def shelf(services: Services) -> Shelf:
    """An empty collection."""
    return await new_shelf(services, "ann")
