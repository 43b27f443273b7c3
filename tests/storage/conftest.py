"""A server that speaks S3, and storages in buckets of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aiconvokit.config import Settings
from aiconvokit.storage import Storage, open_storage
from support.object_store import ObjectStore, TroubledWay, running_object_store

OpenStorage = Callable[..., Storage]


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    with running_object_store() as found:
        yield found


@pytest.fixture
def way(object_store: ObjectStore) -> Iterator[TroubledWay]:
    """Between the storage and the store."""
    with TroubledWay(object_store).open() as found:
        yield found


@pytest.fixture
def opened(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenStorage:
    """Open an object storage: in a new bucket, or another; by another endpoint."""

    def opening(bucket: str | None = None, endpoint: str | None = None) -> Storage:
        environment = object_store.environment
        if endpoint is not None:
            environment["AWS_ENDPOINT_URL"] = endpoint
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{bucket or object_store.bucket()}/originals"
        return open_storage(Settings(storage_url=url), tmp_path / "data")

    return opening
