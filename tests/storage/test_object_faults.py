"""An object store that is away, slow, half broken or not ours: told as such, nothing half done."""

import io
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aiconvokit.errors import StorageAway
from aiconvokit.storage import Storage, objects
from storage.conftest import OpenStorage
from support.object_store import KEY_ID, SECRET, Answer, ObjectStore, TroubledWay
from support.server import free_port

PLENTY = 100_000_000
LARGE = os.urandom(11_000_000)
DIGEST = bytes(32)
REFUSAL = f"""<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code>
<AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId><SignatureProvided>f00ba4</SignatureProvided></Error>"""


async def _listed(storage: Storage) -> list[bytes]:
    return [kept.sha256 async for kept in storage.contents()]


async def _block(storage: Storage) -> bytes:
    return await anext(aiter(storage.blocks(DIGEST)))


CALLS: dict[str, Callable[[Storage], Awaitable[object]]] = {
    "put": lambda storage: storage.put(io.BytesIO(b"Rent."), max_bytes=PLENTY),
    "get": lambda storage: storage.get(DIGEST),
    "has": lambda storage: storage.has(DIGEST),
    "blocks": _block,
    "check": lambda storage: storage.check(),
    "contents": _listed,
    "delete": lambda storage: storage.delete(DIGEST),
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_store_that_is_away_is_told(
    call: str, opened: OpenStorage, caplog: pytest.LogCaptureFixture
) -> None:
    storage = opened(endpoint=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageAway) as told:
        await CALLS[call](storage)
    assert isinstance(told.value, OSError)
    assert (told.value.status, told.value.code) == (503, "storage_unavailable")
    assert str(told.value) == "The file storage is not available."
    assert "s3://" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("call", [one for one in CALLS if one != "delete"])
async def test_a_bucket_that_is_gone_is_no_deleted_content(call: str, opened: OpenStorage) -> None:
    with pytest.raises(StorageAway):
        await CALLS[call](opened(bucket="nobody-made-it"))


async def test_an_upload_that_breaks_in_the_middle_leaves_nothing_to_see(
    opened: OpenStorage, way: TroubledWay, object_store: ObjectStore, tmp_path: Path
) -> None:
    bucket = object_store.bucket()
    storage = opened(bucket, way.endpoint)

    def second_part(method: str, path: str) -> Answer | None:
        return (500, b"") if method == "PUT" and "partNumber=2" in path else None

    way.trouble = second_part
    with pytest.raises(StorageAway):
        await storage.put(io.BytesIO(LARGE), max_bytes=PLENTY)
    assert object_store.keys(bucket) == []
    assert list((tmp_path / "data" / "files").iterdir()) == []
    way.trouble = None
    stored = await storage.put(io.BytesIO(LARGE), max_bytes=PLENTY)
    assert await storage.get(stored.sha256) == LARGE


async def test_a_hiccup_is_passed_over(opened: OpenStorage, way: TroubledWay) -> None:
    storage = opened(endpoint=way.endpoint)
    met: set[str] = set()

    def once_each(method: str, path: str) -> Answer | None:
        is_new = method not in met
        met.add(method)
        return (503, b"SlowDown") if is_new else None

    way.trouble = once_each
    stored = await storage.put(io.BytesIO(b"Rent."), max_bytes=PLENTY)
    assert await storage.get(stored.sha256) == b"Rent."
    await storage.delete(stored.sha256)
    assert not await storage.has(stored.sha256)
    assert {"HEAD", "PUT", "GET"} < met


async def test_a_store_that_does_not_answer_is_away(
    opened: OpenStorage, way: TroubledWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(objects, "RETRY_SECONDS", 0.1)
    storage = opened(endpoint=way.endpoint)

    def hanging(method: str, path: str) -> Answer | None:
        time.sleep(1.0)
        return (200, b"")

    way.trouble = hanging
    with pytest.raises(StorageAway):
        await storage.put(io.BytesIO(b"Rent."), max_bytes=PLENTY)


async def test_a_refusal_is_logged_without_what_it_repeats(
    opened: OpenStorage, way: TroubledWay, caplog: pytest.LogCaptureFixture
) -> None:
    storage = opened(endpoint=way.endpoint)
    way.trouble = lambda _method, _path: (403, REFUSAL.encode())
    with pytest.raises(StorageAway) as told:
        await storage.check()
    assert "SignatureDoesNotMatch" in told.value.why
    assert told.value.why in caplog.text
    for secret in (SECRET, KEY_ID, "f00ba4"):
        assert secret not in caplog.text


async def test_what_is_deleted_while_it_is_read_ends_the_reading(opened: OpenStorage) -> None:
    storage = opened()
    stored = await storage.put(io.BytesIO(LARGE), max_bytes=PLENTY)
    blocks = storage.blocks(stored.sha256)
    assert LARGE.startswith(await anext(aiter(blocks)))
    await storage.delete(stored.sha256)
    with pytest.raises(FileNotFoundError):
        await anext(aiter(blocks))


async def test_names_of_others_in_the_bucket_are_left_alone(
    opened: OpenStorage, object_store: ObjectStore
) -> None:
    bucket = object_store.bucket()
    here, beside = opened(bucket), opened(f"{bucket}/other")
    stored = await beside.put(io.BytesIO(b"Rent."), max_bytes=PLENTY)
    assert await _listed(here) == []
    name = stored.sha256.hex()
    assert object_store.keys(bucket) == [f"other/originals/{name[:2]}/{name}"]
