"""Deleting or replacing a document in work stops the work on it and leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest
from typing_extensions import override

from aiconvokit.accounts.deletions import Removed
from aiconvokit.files import documents, in_work
from aiconvokit.files.worker import Ingestion
from aiconvokit.services import Services
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
def services(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(in_work, "LOOK_SECONDS", 0.1)
    return services


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


@dataclass(frozen=True, slots=True)
class Work:
    """The task that reads a document, and whose it is."""

    task: asyncio.Task[None]
    owner: int
    collection: int
    document: int

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.task


@asynccontextmanager
async def being_read(services: Services, content: bytes, embedder: Embedder) -> AsyncIterator[Work]:
    """A document of a new user, read beside a watch for what is not wanted."""
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    (document,) = await upload(services, ann, house, {"a.txt": content})
    ingestion = Ingestion(with_embedder(services, embedder), 1)
    async with ingestion.watching():
        task = asyncio.create_task(read(services, document, ingestion=ingestion))
        yield Work(task, ann, house, document)


async def test_a_deleted_document_stops_its_requests(services: Services) -> None:
    hanging = Hanging(services.embedder)
    async with being_read(services, LINES, hanging) as work:
        await until(lambda: len(hanging.requests) > 3)  # what was answered is staged
        await remove(services, work.document)
        await work.ended()
    assert hanging.cancelled == len(hanging.requests) - 2
    for table in ("document", "chunk_stage", "chunk", "page"):
        assert await column(services, f"SELECT count(*) FROM {table}") == [0]  # noqa: S608  # ours


async def test_a_deleted_document_stops_its_parser(services: Services) -> None:
    listening = Listening(services.embedder)
    async with being_read(services, HUGE, listening) as work:
        await until(lambda: bool(parsing()))
        await remove(services, work.document)
        await work.ended()
    assert parsing() == []
    assert listening.requests == []


async def test_a_replaced_document_makes_room_for_the_new_version(services: Services) -> None:
    hanging = Hanging(services.embedder)
    async with being_read(services, LINES, hanging) as work:
        await until(lambda: len(hanging.requests) > 2)
        await upload(services, work.owner, work.collection, {"a.txt": b"Rent is due in May."})
        await work.ended()
    assert await column(services, "SELECT count(*) FROM chunk_stage") == [0]
    assert await row(services, "SELECT status, version FROM document") == ("queued", 2)
    await read(services, work.document)
    assert await column(services, "SELECT content FROM chunk") == ["Rent is due in May."]


async def test_a_shutdown_is_no_wish_of_the_owner(services: Services) -> None:
    hanging = Hanging(services.embedder)
    async with being_read(services, LINES, hanging) as work:
        await until(lambda: len(hanging.requests) > 2)
        work.task.cancel()
        await asyncio.wait({work.task})
    assert work.task.cancelled()
    assert await row(services, "SELECT status, error_code FROM document") == ("processing", None)
