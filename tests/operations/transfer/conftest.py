"""A small export, made without a server, and servers to import it into."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from aiconvokit.config import Settings
from aiconvokit.operations.transfer import taking
from aiconvokit.operations.transfer.taking import Source
from aiconvokit.services import open_services
from fake_model.server import FakeModel
from operations.transfer.small import (
    CANTEEN,
    GONE,
    LEASE,
    QUOTE,
    STORED,
    THREADS,
    Place,
    citation,
    receipt,
)
from support.databases import clone
from support.reading import collection, owner, read, upload

Another = Callable[[], Awaitable[Place]]


@pytest.fixture(scope="module")
async def another(
    cluster_url: str, fake_server: FakeModel, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Another]:
    """New servers; they are closed with the module."""
    async with AsyncExitStack() as stack:

        async def make() -> Place:
            folder = tmp_path_factory.mktemp("place")
            settings = Settings(openai_base_url=fake_server.base_url, embedding_model="fake")
            services = open_services(settings, clone(cluster_url), folder / "data")
            return Place(await stack.enter_async_context(services), folder)

        yield make


@pytest.fixture(scope="module")
async def source(another: Another) -> Place:
    """A server with somebody's data; tests leave it as it is."""
    place = await another()
    ann = await owner(place.services, "ann")
    held = await collection(place.services, ann)
    files = {"lease.md": LEASE, "canteen.md": CANTEEN, "broken.pdf": b"%PDF-1.4 broken"}
    found = await upload(place.services, ann, held, files)
    for document in found:
        await read(place.services, document)
    [(text,)] = await place.execute(
        "SELECT text FROM page WHERE document_id = %(document)s", {"document": found[0]}
    )
    values = {
        "owner": ann,
        "document": found[0],
        "quote": QUOTE,
        "citations": Jsonb([citation(found[0], QUOTE, text.index(QUOTE))]),
        "gone": Jsonb([citation(GONE, "[redacted]", 0) | {"end": 0}]),
        "receipt": Jsonb(receipt(found[0])),
        **{name: Jsonb(value) for name, value in STORED.items()},
    }
    for statement in filter(str.strip, THREADS.split(";\n")):
        await place.execute(statement, values)
    return place


@pytest.fixture(scope="module")
async def exported(source: Place) -> Path:
    """Their export; tests work on copies of it."""
    folder = source.folder / "out"
    services = source.services
    told = Source(services.database_url, services.storage, "ann")
    await taking.take(told, folder, lambda _what, _count: None)
    return folder
