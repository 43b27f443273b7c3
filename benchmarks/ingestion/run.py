"""One run end to end: the shipped server gets files over HTTP and reads them."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import psycopg

from aiconvokit.db import libpq_url
from benchmarks.ingestion.embedder import MODEL
from benchmarks.turns.figures import MIB
from benchmarks.turns.processes import Peak, cpu_seconds
from benchmarks.turns.servers import free_port, running, serving

PASSWORD = "correct horse battery"  # noqa: S105  # of a database that is thrown away
POLL_SECONDS = 0.05
REQUEST_SECONDS = 600


class Files(msgspec.Struct, kw_only=True):
    """What a folder of files came to."""

    files: int
    bytes: int
    pages: int
    passages: int
    failed: int
    wall: float
    """Seconds from the first byte of the upload until the last document can be searched."""
    app_cpu: float
    """Seconds of the server with its worker and parsing children."""
    postgres_cpu: float | None
    peak: float
    """Most memory of the server and its children at once, in MiB: each process's own and its share
    of what it has in common with others (PSS), sampled."""
    peak_rss: float
    """The same, where every process counts what it shares as its own (RSS)."""


@contextmanager
def free_embedder() -> Iterator[str]:
    """The embedder that costs nothing; its address, which ends in /v1."""
    port = free_port()
    module = "benchmarks.ingestion.embedder"
    command = [sys.executable, "-m", module, "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, {}, url):
        yield f"{url}/v1"


@contextmanager
def logged_in(database_url: str, embedder_url: str) -> Iterator[tuple[httpx.Client, int]]:
    """The shipped server with its worker, and a client that is logged in; the server's pid."""
    with (
        serving(database_url, embedder_url, {"AICONVOKIT_EMBEDDING_MODEL": MODEL}) as server,
        httpx.Client(base_url=server.base_url, timeout=REQUEST_SECONDS) as client,
    ):
        account = {"username": "bench", "password": PASSWORD}
        client.post("/users/", json=account).raise_for_status()
        token = client.post("/tokens/", json=account).raise_for_status().json()["token"]
        client.headers["Authorization"] = f"Token {token}"
        yield client, server.pid


def read_files(
    database_url: str, embedder_url: str, postmaster: int | None, paths: list[Path]
) -> Files:
    """Upload files in one request to a new server on an empty database; wait for the last."""
    fields = {"name": "Reports", "company_name": "Acme", "instructions": "Answer briefly."}
    with (
        logged_in(database_url, embedder_url) as (client, pid),
        psycopg.connect(libpq_url(database_url), autocommit=True) as watch,
        Peak(pid) as peak,
    ):
        app, postgres = cpu_seconds(pid), cpu_seconds(postmaster) if postmaster else None
        parts = [("files", (path.name, path.read_bytes())) for path in paths]
        began = time.perf_counter()
        client.post("/assistants/", data=fields, files=parts).raise_for_status()
        while _unfinished(watch):
            time.sleep(POLL_SECONDS)
        wall = time.perf_counter() - began
        pages, passages, failed = _totals(watch)
        return Files(
            files=len(paths),
            bytes=sum(len(part[1][1]) for part in parts),
            pages=pages,
            passages=passages,
            failed=failed,
            wall=wall,
            app_cpu=cpu_seconds(pid) - app,
            postgres_cpu=cpu_seconds(postmaster) - postgres if postmaster and postgres else None,
            peak=peak.pss / MIB,
            peak_rss=peak.rss / MIB,
        )


def _unfinished(watch: psycopg.Connection) -> bool:
    query = "SELECT EXISTS (SELECT FROM document WHERE status IN ('queued', 'processing'))"
    row = watch.execute(query).fetchone()
    return row is not None and bool(row[0])


def _totals(watch: psycopg.Connection) -> tuple[int, int, int]:
    """Pages, passages, and how many documents failed."""
    row = watch.execute(
        "SELECT coalesce(sum(page_count), 0), coalesce(sum(chunk_count), 0),"
        " count(*) FILTER (WHERE status = 'failed') FROM document"
    ).fetchone()
    return (int(row[0]), int(row[1]), int(row[2])) if row else (0, 0, 0)
