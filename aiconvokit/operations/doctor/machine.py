"""This machine: the folder for uploads, room on its disk, the files that need no network."""

import io
import os
import shutil
import tempfile
import time
from pathlib import Path

from aiconvokit.config import MIB, Limits
from aiconvokit.files.worker import parser_limits
from aiconvokit.operations.doctor.findings import Findings
from aiconvokit.storage import FolderStorage
from ingestion.errors import IngestionError
from ingestion.parse.sandbox import parse_in_child
from ingestion.tokens import count_tokens

LEAST_FREE = 500 * MIB
"""Postgres stops when its log has no room."""
LITTLE_FREE = 5_000 * MIB
SAMPLE_BYTES = 1 * MIB
SLOW_FSYNC_MS = 200.0
"""For a mebibyte with its name; an upload of many files waits for each."""
KNOWN_TEXT = "Tokens are counted offline, ohne Netz, 不用网络。"
KNOWN_TOKENS = 12
SAMPLE = b"# Lease\n\nThe tenant pays the rent on the first day of each month.\n"
"""A document to read."""


async def storage(data_dir: Path, findings: Findings) -> None:
    """Store a content, read it back and remove it, beside the real ones."""
    moved = "Give it to this user, or set AICONVOKIT_DATA_DIR to a folder of this user's."
    data = os.urandom(SAMPLE_BYTES)
    try:
        await FolderStorage(data_dir / "files").check()
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".doctor-") as folder:
            sample = FolderStorage(Path(folder))
            began = time.perf_counter()
            stored = await sample.put(io.BytesIO(data), max_bytes=SAMPLE_BYTES)
            milliseconds = 1000 * (time.perf_counter() - began)
            is_whole = await sample.get(stored.sha256) == data
    except OSError as error:
        why = error.strerror or type(error).__name__
        findings.fail("machine storage", f"Nothing can be stored in {data_dir}: {why}.", moved)
        return
    said = f"{data_dir}/files: 1 MiB is on the disk (fsync) in {milliseconds:.0f} ms."
    if not is_whole:
        findings.fail("machine storage", f"{data_dir} gives back other bytes.", "Use another disk.")
    elif milliseconds > SLOW_FSYNC_MS:
        findings.warn(
            "machine storage", said, "Uploads wait for the disk: put the folder on a faster one."
        )
    else:
        findings.ok("machine storage", said)


def disk(data_dir: Path, findings: Findings, *, holds_database: bool) -> None:
    """Room where the data lie; of another server's disk the database does not tell."""
    free = shutil.disk_usage(data_dir).free
    what = "uploads and database" if holds_database else "uploads; the database's disk is not seen"
    said = f"{free / (1024 * MIB):,.1f} GiB free for {what}."
    advice = "Make room, or move AICONVOKIT_DATA_DIR to a larger disk."
    if free < LEAST_FREE:
        findings.fail("machine disk", said, advice)
    elif free < LITTLE_FREE:
        findings.warn("machine disk", said, advice)
    else:
        findings.ok("machine disk", said)


def token_counts(findings: Findings) -> None:
    """Whether tokens are counted, and rightly, from the files of the installation."""
    began = time.perf_counter()
    try:
        counted = count_tokens(KNOWN_TEXT)
    except (RuntimeError, OSError, ValueError) as error:
        findings.fail("machine tokens", f"{error}", "Install again: pip install --force-reinstall")
        return
    if counted == KNOWN_TOKENS:
        seconds = time.perf_counter() - began
        findings.ok("machine tokens", f"From a file of the installation, read in {seconds:.1f} s.")
    else:
        findings.fail(
            "machine tokens",
            f"A text of {KNOWN_TOKENS} tokens is counted as {counted}.",
            "Install the versions of the lock again: pip install -r requirements/local.txt",
        )


async def reading(limits: Limits, findings: Findings) -> None:
    """Read a document in a child with the operator's limits, as the worker does."""
    began = time.perf_counter()
    try:
        parsed = await parse_in_child(SAMPLE, "text/markdown", "lease.md", parser_limits(limits))
    except (IngestionError, OSError) as error:
        findings.fail(
            "machine reading",
            f"No document can be read here: {error}",
            "Give the process more memory; in a container allow it to start processes.",
        )
        return
    seconds = time.perf_counter() - began
    passages = len(parsed.chunks)
    findings.ok(
        "machine reading", f"A process of its own read {passages} passage in {seconds:.1f} s."
    )
