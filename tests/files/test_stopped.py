"""Deleting or replacing a document in work stops the work on it and leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from typing_extensions import override

from aiconvokit.accounts.deletions import Removed
from aiconvokit.config import Settings
from aiconvokit.files import documents, in_work
from aiconvokit.files.worker import Ingestion
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion.embed import Embedder
from support.reading import Listening, collection, column, owner, read, row, upload, with_embedder

PATIENCE_SECONDS = 30
LINES = b"\n".join(b"Line %d of a contract about anvils and rockets." % one for one in range(6_000))
HUGE = LINES * 20
"""A second and more of parsing."""


class Hanging(Listening):
    """Answers two requests and no other; how many were given up."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self.cancelled = 0

    @override
    async def before(self, number: int) -> None:
        if number > 2:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise


@pytest.fixture
async def services(
    database_url: str, fake: FakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Services]:
    monkeypatch.setattr(in_work, "LOOK_SECONDS", 0.1)
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # nothing sets an event
            await asyncio.sleep(0.01)


def parsing() -> list[psutil.Process]:
    """Parsing children of this process: forks of its fork server."""
    return [
        fork
        for server in psutil.Process().children()
        if "ingestion.parse.fork_server" in server.cmdline()
        for fork in server.children()
        if fork.status() != psutil.STATUS_ZOMBIE
    ]


async def remove(services: Services, document_id: int) -> None:
    async with services.sessions.begin() as session:
        await documents.remove(session, document_id, Removed())


async def test_a_deleted_document_stops_its_requests(services: Services) -> None:
    ann = await owner(services, "ann")
    (document,) = await upload(services, ann, await collection(services, ann), {"a.txt": LINES})
    hanging = Hanging(services.embedder)
    ingestion = Ingestion(with_embedder(services, hanging), 1)
    async with ingestion.watching():
        task = asyncio.create_task(read(services, document, ingestion=ingestion))
        await until(lambda: len(hanging.requests) > 3)  # what was answered is staged
        await remove(services, document)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task
    assert hanging.cancelled == len(hanging.requests) - 2
    for table in ("document", "chunk_stage", "chunk", "page"):
        assert await column(services, f"SELECT count(*) FROM {table}") == [0]  # noqa: S608  # ours


async def test_a_deleted_document_stops_its_parser(services: Services) -> None:
    ann = await owner(services, "ann")
    (document,) = await upload(services, ann, await collection(services, ann), {"a.txt": HUGE})
    listening = Listening(services.embedder)
    ingestion = Ingestion(with_embedder(services, listening), 1)
    async with ingestion.watching():
        task = asyncio.create_task(read(services, document, ingestion=ingestion))
        await until(lambda: bool(parsing()))
        await remove(services, document)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task
    assert parsing() == []
    assert listening.requests == []


async def test_a_replaced_document_makes_room_for_the_new_version(services: Services) -> None:
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    (document,) = await upload(services, ann, house, {"a.txt": LINES})
    hanging = Hanging(services.embedder)
    ingestion = Ingestion(with_embedder(services, hanging), 1)
    async with ingestion.watching():
        task = asyncio.create_task(read(services, document, ingestion=ingestion))
        await until(lambda: len(hanging.requests) > 2)
        await upload(services, ann, house, {"a.txt": b"Rent is due in May."})
        async with asyncio.timeout(PATIENCE_SECONDS):
            await task
    assert await column(services, "SELECT count(*) FROM chunk_stage") == [0]
    assert await row(services, "SELECT status, version FROM document") == ("queued", 2)
    await read(services, document)
    assert await column(services, "SELECT content FROM chunk") == ["Rent is due in May."]


async def test_a_shutdown_is_no_wish_of_the_owner(services: Services) -> None:
    ann = await owner(services, "ann")
    (document,) = await upload(services, ann, await collection(services, ann), {"a.txt": LINES})
    hanging = Hanging(services.embedder)
    ingestion = Ingestion(with_embedder(services, hanging), 1)
    async with ingestion.watching():
        task = asyncio.create_task(read(services, document, ingestion=ingestion))
        await until(lambda: len(hanging.requests) > 2)
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    assert await row(services, "SELECT status, error_code FROM document") == ("processing", None)
