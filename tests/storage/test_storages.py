"""What every storage promises: the same tests for the folder and the object store."""

import asyncio
import hashlib
import io
import os
import time
from pathlib import Path

import pytest
from typing_extensions import override

from aiconvokit.config import Settings
from aiconvokit.errors import TooLarge
from aiconvokit.storage import PART, Storage, open_storage
from storage.conftest import OpenStorage

PLENTY = 100_000_000
LARGE = os.urandom(11_000_000)
"""Three parts of an upload to an object store."""
UNKNOWN = hashlib.sha256(b"unknown").digest()


@pytest.fixture(params=["folder", "objects"])
def storage(request: pytest.FixtureRequest, opened: OpenStorage, tmp_path: Path) -> Storage:
    if request.param == "objects":
        return opened()
    return open_storage(Settings(), tmp_path / "data")


async def put(storage: Storage, data: bytes) -> bytes:
    return (await storage.put(io.BytesIO(data), max_bytes=PLENTY)).sha256


async def contents(storage: Storage) -> set[bytes]:
    return {kept.sha256 async for kept in storage.contents()}


def parts(tmp_path: Path) -> list[Path]:
    return list(tmp_path.rglob(f"{PART}*"))


@pytest.mark.parametrize("data", [b"", b"Rent.", LARGE], ids=["empty", "small", "large"])
async def test_what_is_stored_comes_back(storage: Storage, tmp_path: Path, data: bytes) -> None:
    stored = await storage.put(io.BytesIO(data), max_bytes=len(data))
    assert (stored.sha256, stored.size) == (hashlib.sha256(data).digest(), len(data))
    assert data.startswith(stored.head)
    assert bool(stored.head) == bool(data)
    assert await storage.has(stored.sha256)
    assert await storage.get(stored.sha256) == data
    assert b"".join([block async for block in storage.blocks(stored.sha256)]) == data
    assert parts(tmp_path) == []


async def test_a_stream_is_stored_from_where_it_stands(storage: Storage) -> None:
    source = io.BytesIO(b"Signature. Rent.")
    source.seek(11)
    stored = await storage.put(source, max_bytes=5)
    assert await storage.get(stored.sha256) == b"Rent."


async def test_too_much_is_refused_and_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await storage.put(io.BytesIO(LARGE), max_bytes=len(LARGE) - 1)
    assert await contents(storage) == set()
    assert parts(tmp_path) == []


async def test_a_stream_that_breaks_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        @override
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 5_000_000:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        await storage.put(Breaking(LARGE), max_bytes=PLENTY)
    assert await contents(storage) == set()
    assert parts(tmp_path) == []


async def test_what_is_not_there_is_told(storage: Storage) -> None:
    await put(storage, b"Rent.")
    assert not await storage.has(UNKNOWN)
    with pytest.raises(FileNotFoundError):
        await storage.get(UNKNOWN)
    with pytest.raises(FileNotFoundError):
        await anext(aiter(storage.blocks(UNKNOWN)))
    await storage.delete(UNKNOWN)


async def test_the_deleted_is_gone_and_may_come_again(storage: Storage) -> None:
    first, second = await put(storage, b"First."), await put(storage, b"Second.")
    await storage.delete(first)
    assert not await storage.has(first)
    assert await contents(storage) == {second}
    assert await put(storage, b"First.") == first
    assert await storage.get(first) == b"First."


async def test_all_contents_are_listed_with_their_times(storage: Storage) -> None:
    began = time.time()
    stored = {await put(storage, b"%d" % number) for number in range(5)}
    found = [kept async for kept in storage.contents()]
    assert len(found) == len(stored)
    assert {kept.sha256 for kept in found} == stored
    assert all(began - 2 <= kept.since <= time.time() + 2 for kept in found)


async def test_the_same_content_many_times_at_once_is_one(storage: Storage) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(put(storage, b"Same.")) for _ in range(8)]
    (digest,) = {task.result() for task in tasks}
    assert await contents(storage) == {digest}
    assert await storage.get(digest) == b"Same."


async def test_a_storage_that_can_store_passes_its_check(storage: Storage) -> None:
    await storage.check()
    assert storage.where
    assert await contents(storage) == set()
