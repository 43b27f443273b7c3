"""A password that is said while its document is read, and failures that come too late."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiconvokit.files import document_passwords, queries
from aiconvokit.services import Services
from aiconvokit.storage import FolderStorage
from ingestion import stage_store, store
from ingestion.store import Target
from ingestion.types import Chunk
from support.locked_pdf import locked
from support.reading import collection, column, owner, read, row, upload

PASSWORD = "Größe 9"
STATE = "SELECT status, error_code, ready_version FROM document"
JOBS = "SELECT count(*) FROM procrastinate_jobs"


class Meanwhile(FolderStorage):
    """Contents are asked for once a document is in work: then something happens."""

    def __init__(self, folder: Path, act: Callable[[], Awaitable[None]]) -> None:
        super().__init__(folder)
        self._act = act

    @override
    async def get(self, sha256: bytes) -> bytes:
        await self._act()
        return await super().get(sha256)


async def read_while(services: Services, document_id: int, said: str | None) -> None:
    """Try a document whose password is said, or forgotten, while it is read."""

    async def act() -> None:
        await say(services, document_id, said)

    storage = Meanwhile(services.data_dir / "files", act)
    await read(replace(services, storage=storage), document_id)


async def say(services: Services, document_id: int, password: str | None) -> None:
    async with services.sessions.begin() as session:
        document = await queries.lock_document(session, document_id)
        assert document is not None
        await document_passwords.set_password(services, session, document, password)


@pytest.fixture
async def lease(services: Services) -> int:
    """A document that needs a password; its job is gone."""
    ann = await owner(services, "ann")
    (document,) = await upload(
        services, ann, await collection(services, ann), {"lease.pdf": locked(PASSWORD)}
    )
    await execute(services, "DELETE FROM procrastinate_jobs")
    return document


async def execute(services: Services, statement: str) -> None:
    async with services.owner_sessions.begin() as session:
        await session.execute(text(statement))


@pytest.mark.parametrize("before", [None, "wrong"])
async def test_one_said_while_the_document_is_read_opens_it(
    services: Services, lease: int, before: str | None
) -> None:
    await say(services, lease, before)
    await read_while(services, lease, PASSWORD)
    assert await row(services, STATE) == ("queued", None, None)
    assert await column(services, JOBS) == [1]  # its turn comes when the job ends
    await read(services, lease)
    assert await row(services, STATE) == ("ready", None, 1)


@pytest.mark.parametrize("said", [None, "wrong"])
async def test_nothing_else_is_tried_twice(
    services: Services, lease: int, said: str | None
) -> None:
    await say(services, lease, "wrong")
    await read_while(services, lease, said)
    assert await row(services, STATE) == ("failed", "encrypted", None)
    assert await column(services, JOBS) == [0]


async def target_of(services: Services, document_id: int) -> Target:
    async with services.owner_sessions.begin() as session:
        found = await store.begin(session, document_id)
    assert found is not None
    return found


async def test_a_version_that_is_searched_does_not_fail_any_more(services: Services) -> None:
    ann = await owner(services, "ann")
    reports = await collection(services, ann)
    (document,) = await upload(services, ann, reports, {"a.txt": b"Rent is due in May."})
    target = await target_of(services, document)  # of a worker that was thought dead
    await read(services, document)
    async with services.owner_sessions.begin() as session:
        await store.fail(session, target, "worker_died", "The worker died.")
    assert await row(services, STATE) == ("ready", None, 1)


async def test_a_version_that_fails_late_leaves_what_is_staged_of_the_next(
    services: Services,
) -> None:
    ann = await owner(services, "ann")
    reports = await collection(services, ann)
    (document,) = await upload(services, ann, reports, {"a.txt": b"Rent is due in May."})
    first = await target_of(services, document)
    await upload(services, ann, reports, {"a.txt": b"Rent is due in June."})
    second = await target_of(services, document)
    chunk = Chunk(0, 1, 0, 20, "Rent is due in June.", "", "", 0.0, 5)
    vectors = await services.embedder.embed_passages([chunk.text])
    async with services.owner_sessions.begin() as session:
        space = await store.ensure_space(session, "fake", "fake", vectors.shape[1])
        await stage_store.stage(session, second, space, [chunk], vectors)
        await store.fail(session, first, "worker_died", "The worker died.")
        assert await stage_store.count(session, second) == 1
    assert await row(services, STATE) == ("processing", None, None)
