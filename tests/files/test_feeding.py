"""Whose document is read next: the rows are the line, the queue holds its head."""

import asyncio

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiconvokit import jobs
from aiconvokit.files.worker import Ingestion, work
from aiconvokit.services import Services
from support.reading import Listening, collection, column, owner, read, upload, with_embedder

PATIENCE_SECONDS = 60

# The worker runs in this process; the shipped one does not turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")


def many(count: int, name: str = "a") -> dict[str, bytes]:
    return {f"{name}{n}.txt": b"Rent of house %d is due in May." % n for n in range(count)}


async def queued(services: Services) -> list[int]:
    """Documents that have a job, in the order of the queue."""
    statement = "SELECT (args ->> 'document_id')::int FROM procrastinate_jobs ORDER BY id"
    return await column(services, statement)


async def execute(services: Services, statement: str) -> None:
    async with services.owner_sessions.begin() as session:
        await session.execute(text(statement))


async def finish(services: Services, document_id: int) -> None:
    """What becomes of the oldest job of a document."""
    of_document = f"FROM procrastinate_jobs WHERE lock = 'document:{document_id}'"
    (job_id,) = await column(services, f"SELECT min(id) {of_document}")
    await read(services, document_id, job_id)
    await execute(services, f"DELETE {of_document} AND id = {job_id}")


async def test_an_owner_has_a_few_jobs_however_many_documents_wait(services: Services) -> None:
    ann, bob = await owner(services, "ann"), await owner(services, "bob")
    house = await collection(services, ann)
    first = await upload(services, ann, house, many(10))
    second = await upload(services, ann, await collection(services, ann), many(10, "b"))
    (others,) = await upload(services, bob, await collection(services, bob), many(1))
    assert await queued(services) == [first[0], first[1], others]
    await finish(services, first[0])
    assert await queued(services) == [first[1], others, first[2]]  # behind the others
    await finish(services, others)
    for document_id in first[1:9]:
        await finish(services, document_id)
    assert await queued(services) == [first[9], second[0]]


async def test_each_worker_that_lives_counts(services: Services) -> None:
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    first = await upload(services, ann, house, many(10))
    assert await queued(services) == first[:2]
    await execute(
        services,
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES"
        " (now()), (now()), (now() - interval '1 hour')",
    )
    await Ingestion(services, 2).look_after()
    assert await queued(services) == first[:4]


async def test_lost_jobs_are_found(services: Services) -> None:
    ann, bob = await owner(services, "ann"), await owner(services, "bob")
    first = await upload(services, ann, await collection(services, ann), many(3))
    (others,) = await upload(services, bob, await collection(services, bob), many(1))
    await execute(services, "DELETE FROM procrastinate_jobs")
    await execute(services, "UPDATE document SET status = 'processing' WHERE id % 2 = 0")
    await Ingestion(services, 2).look_after()
    assert sorted(await queued(services)) == sorted([*first[:2], others])


async def test_a_replaced_document_is_read_when_its_job_ends(services: Services) -> None:
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    (document,) = await upload(services, ann, house, many(1))
    await execute(services, "UPDATE procrastinate_jobs SET status = 'doing'")
    assert await upload(services, ann, house, {"a0.txt": b"Rent is due in June."}) == [document]
    assert await queued(services) == [document]  # the one in work sees that it is not wanted
    await execute(services, "UPDATE procrastinate_jobs SET status = 'failed'")
    await Ingestion(services, 2).look_after()
    assert await queued(services) == [document, document]


async def test_one_that_was_put_off_keeps_nobody_waiting(services: Services) -> None:
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    first = await upload(services, ann, house, many(4))
    await execute(services, "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 h'")
    await Ingestion(services, 2).look_after()
    assert await queued(services) == first


class Slow(Listening):
    """A fifth of a second for everything."""

    @override
    async def before(self, number: int) -> None:
        await asyncio.sleep(0.2)


async def test_one_document_is_not_behind_all_of_anothers(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    ann, bob = await owner(services, "ann"), await owner(services, "bob")
    many_of_ann = await upload(services, ann, await collection(services, ann), many(40))
    slow = with_embedder(services, Slow(services.embedder))
    worker = asyncio.create_task(work(slow, 2))
    try:
        await until_ready(services, many_of_ann[:1])
        before = len(await ready(services))
        (others,) = await upload(services, bob, await collection(services, bob), many(1))
        await until_ready(services, [others])
        # Those in work beside it, and those in the line before it.
        assert len(await ready(services)) - before <= 8
        await until_ready(services, many_of_ann)
    finally:
        worker.cancel()
        await asyncio.wait({worker})


async def ready(services: Services) -> list[int]:
    return await column(services, "SELECT id FROM document WHERE status = 'ready'")


async def until_ready(services: Services, document_ids: list[int]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while set(document_ids) - set(await ready(services)):  # noqa: ASYNC110  # the database's
            await asyncio.sleep(0.05)
