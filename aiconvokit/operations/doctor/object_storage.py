"""The object store: whether this machine may store, read and remove something in it."""

import io
import os
import time
from contextlib import suppress
from pathlib import Path

from aiconvokit.config import MIB, Settings
from aiconvokit.errors import ConfigurationError, StorageAway
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.storage import Storage, open_storage

SAMPLE_BYTES = 1 * MIB
SLOW_MS = 2_000.0
"""For a mebibyte there; an upload of many files waits for each."""
NAME = "machine storage"
RIGHTS = (
    "Look at AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or those "
    "of Google or Azure), at the bucket's name, and at the rights: list, get, put, delete."
)


async def examine(settings: Settings, data_dir: Path, findings: Findings) -> None:
    """Store a content of its own in the bucket, read it back and remove it."""
    try:
        storage = open_storage(settings, data_dir)
    except ConfigurationError as error:
        findings.fail(NAME, "The object store cannot be opened.", str(error))
        return
    data = os.urandom(SAMPLE_BYTES)
    try:
        milliseconds, is_whole = await _tried(storage, data)
    except StorageAway as error:
        findings.fail(NAME, f"{storage.where} cannot be used: {error.why}.", RIGHTS)
        return
    except OSError as error:
        why = error.strerror or type(error).__name__
        findings.fail(NAME, f"Nothing can be copied to {data_dir}: {why}.", "Make room there.")
        return
    said = f"{storage.where}: 1 MiB is there in {milliseconds:.0f} ms."
    if not is_whole:
        findings.fail(NAME, f"{storage.where} gives back other bytes.", "Use another store.")
    elif milliseconds > SLOW_MS:
        findings.warn(NAME, said, "Uploads wait for it: use a store that is nearer.")
    else:
        findings.ok(NAME, said)


async def _tried(storage: Storage, data: bytes) -> tuple[float, bool]:
    """Milliseconds that storing took, and whether the same came back; then it is removed."""
    await storage.check()
    began = time.perf_counter()
    stored = await storage.put(io.BytesIO(data), max_bytes=len(data))
    milliseconds = 1000 * (time.perf_counter() - began)
    try:
        with suppress(FileNotFoundError):
            return milliseconds, await storage.get(stored.sha256) == data
        return milliseconds, False
    finally:
        await storage.delete(stored.sha256)
