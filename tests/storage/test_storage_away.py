"""Uploads, deletions and reading while the object store goes and comes; sweeping what is left."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from aiconvokit.errors import StorageAway
from aiconvokit.files import documents, unused
from aiconvokit.jobs import create_queue
from aiconvokit.operations.check.examination import AT_REST, Patience, check
from aiconvokit.operations.doctor import object_storage
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.services import Services
from storage.conftest import OpenStorage
from support.object_store import Answer, ObjectStore, TroubledWay
from support.reading import collection, column, owner, read, row, upload

TEXT = b"# Lease\n\nThe rent is EUR 900 a month.\n"


@pytest.fixture
def bucket(object_store: ObjectStore) -> str:
    return object_store.bucket()


@pytest.fixture
def ours(services: Services, opened: OpenStorage, way: TroubledWay, bucket: str) -> Services:
    """Services that keep uploads in the object store."""
    return replace(services, storage=opened(bucket, way.endpoint))


def away(_method: str, _path: str) -> Answer:
    return (500, b"")


async def test_an_upload_without_a_store_leaves_no_row(
    ours: Services, way: TroubledWay, object_store: ObjectStore, bucket: str
) -> None:
    ann = await owner(ours, "ann")
    reports = await collection(ours, ann)
    way.trouble = away
    with pytest.raises(StorageAway):
        await upload(ours, ann, reports, {"a.md": TEXT})
    way.trouble = None
    assert await column(ours, "SELECT filename FROM document") == []
    assert object_store.keys(bucket) == []
    await upload(ours, ann, reports, {"a.md": TEXT})
    assert len(object_store.keys(bucket)) == 1


async def test_a_document_waits_for_the_store_and_no_try_is_burned(
    ours: Services, way: TroubledWay
) -> None:
    ann = await owner(ours, "ann")
    reports = await collection(ours, ann)
    [document] = await upload(ours, ann, reports, {"a.md": TEXT})
    await execute(ours, "DELETE FROM procrastinate_jobs")
    way.trouble = away
    await read(ours, document)
    assert (await row(ours, "SELECT status, error_code FROM document")) == ("queued", None)
    job = await row(ours, "SELECT args->>'burned', scheduled_at > now() FROM procrastinate_jobs")
    assert tuple(job) == ("0", True)
    way.trouble = None
    await read(ours, document)
    assert (await row(ours, "SELECT status FROM document"))[0] == "ready"


async def execute(ours: Services, statement: str) -> None:
    async with ours.owner_sessions.begin() as session:
        await session.execute(text(statement))


async def run_due(ours: Services) -> None:
    """Run the removal as a worker would, before it is due."""
    await execute(ours, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    queue = create_queue(ours.database_url, pool_size=2)
    unused.register(queue, ours)
    async with queue.open_async():
        await queue.run_worker_async(wait=False, install_signal_handlers=False)
    assert await column(ours, "SELECT status FROM procrastinate_jobs") == ["succeeded"]


async def test_what_a_deletion_could_not_remove_goes_when_the_store_is_back(
    ours: Services,
    way: TroubledWay,
    object_store: ObjectStore,
    bucket: str,
) -> None:
    ann = await owner(ours, "ann")
    reports = await collection(ours, ann)
    [kept] = await upload(ours, ann, reports, {"kept.md": TEXT})
    await read(ours, kept)
    await execute(ours, "DELETE FROM procrastinate_jobs")
    gone = (await ours.storage.put(io.BytesIO(b"Gone."), max_bytes=10)).sha256
    again = (await ours.storage.put(io.BytesIO(TEXT), max_bytes=100)).sha256
    way.trouble = away
    await documents.discard(ours, [gone, again])  # the rows are gone: nobody is told of a fault
    with pytest.raises(StorageAway):
        await unused.remove(ours, [gone])
    way.trouble = None
    assert len(object_store.keys(bucket)) == 2
    found = await check(ours, AT_REST, repair=False)
    assert [(one.kind, one.count) for one in found] == [("contents_without_file", 1)]
    await run_due(ours)
    assert object_store.keys(bucket) == [f"originals/{again.hex()[:2]}/{again.hex()}"]
    assert await check(ours, AT_REST, repair=False) == []


async def test_what_nothing_uses_is_removed_by_a_repair(
    ours: Services, object_store: ObjectStore, bucket: str
) -> None:
    await ours.storage.put(io.BytesIO(b"Gone."), max_bytes=10)
    assert await check(ours, Patience(settle=0.0), repair=True) == [], "it may be of an upload"
    assert [one.repaired for one in await check(ours, AT_REST, repair=True)] == [True]
    assert object_store.keys(bucket) == []


async def test_bytes_that_vanish_from_the_bucket_are_found(ours: Services) -> None:
    ann = await owner(ours, "ann")
    reports = await collection(ours, ann)
    await upload(ours, ann, reports, {"a.md": TEXT})
    (digest,) = await column(ours, "SELECT sha256 FROM file")
    await ours.storage.delete(digest)
    found = await check(ours, AT_REST, repair=True)
    assert [(one.kind, one.count, one.repaired) for one in found] == [
        ("originals_missing", 1, False)
    ]


async def test_the_doctor_tries_the_store(
    ours: Services, way: TroubledWay, object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    url = f"s3://{bucket}/originals"
    settings = ours.settings.model_copy(update={"storage_url": url, "storage_allows_http": True})

    async def state() -> tuple[str, str]:
        findings = Findings()
        await object_storage.examine(settings, tmp_path, findings)
        [found] = findings.all
        assert found.name == "machine storage"
        return found.state, found.found

    found = await state()
    assert (found[0], url in found[1]) == ("ok", True)
    assert object_store.keys(bucket) == []
    way.trouble = lambda method, _path: (403, b"") if method == "PUT" else None
    assert (await state())[0] == "failed"
    way.trouble = lambda method, path: (200, os.urandom(9)) if wants(method, path) else None
    assert (await state())[0] == "failed"
    assert object_store.keys(bucket) == []


def wants(method: str, path: str) -> bool:
    """Whether a content is asked for, and no list."""
    return method == "GET" and "list-type" not in path
