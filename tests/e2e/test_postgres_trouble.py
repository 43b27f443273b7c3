"""The embedded default in trouble: its Postgres hangs, dies, and finds no room on the disk."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from aiconvokit.db import PING_AFTER_SECONDS
from fake_model.server import FakeModel
from support.server import API, Client, Server, running_server
from support.starter import run
from support.waiting import eventually

LEASE = b"# Lease\n\nThe rent of the flat is EUR 900 a month.\n"
DISK_BYTES = 400_000_000
"""The programs of Postgres, which root's server gets a copy of, a cluster, and some room."""
LARGEST = 400
"""Assistants that are made at most until there is no room: 100 kB of noise each."""
PATIENCE_SECONDS = 30.0
"""Far more than the six seconds that are promised: the machine may be busy."""


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A small disk of its own; a plain folder where that cannot be had."""
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        options = f"size={DISK_BYTES},mode=0711"
        mounted = subprocess.run(  # noqa: S603  # a system program
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder],  # noqa: S607  # wherever it is
            capture_output=True,
            check=False,
        )
        Path(folder).chmod(0o711)
        try:
            yield Path(folder)
        finally:
            if mounted.returncode == 0:
                subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S603, S607  # as above


@pytest.fixture(scope="module")
def settings(disk: Path) -> dict[str, str]:
    """Everything on that disk: files and the embedded Postgres."""
    return {"DATABASE_URL": "", "AICONVOKIT_DATA_DIR": f"{disk}/data"}


@pytest.fixture(scope="module")
def server(settings: dict[str, str], fake_server: FakeModel) -> Iterator[Server]:
    with running_server("", fake_server.base_url, environment=settings) as found:
        yield found


@pytest.fixture(scope="module")
def made(ann: Client) -> dict[str, Any]:
    """Ann's assistant, which knows a lease."""
    return ann.assistant(lease_md=LEASE)


def postmaster(disk: Path) -> psutil.Process:
    pid = (disk / "data/postgres/postmaster.pid").read_text().split()[0]
    return psutil.Process(int(pid))


def is_well(ann: Client, made: dict[str, Any]) -> bool:
    """Whether a question is answered from the documents."""
    chat = ann.post(f"{API}/chat/", json={"assistant_id": made["id"]})
    if chat.status_code != 201:
        return False
    question = {"assistant_id": made["id"], "input": "What is the rent of the flat?"}
    answer = ann.put(f"{API}/chat/{chat.json()['id']}/", json=question)
    return answer.status_code == 200 and "EUR 900 a month" in answer.json()["output"]


def test_one_that_hangs_is_away(disk: Path, ann: Client, made: dict[str, Any]) -> None:
    question = {"assistant_id": made["id"], "input": "What is the rent?"}
    chat = ann.chat(made["id"])
    own = f"{API}/assistants/{made['id']}/"
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"{API}/assistants/", {}),
        ("GET", own, {}),
        ("PUT", f"{API}/chat/{chat}/", {"json": question}),
        ("POST", f"{own}documents/", {"files": {"files": ("a.md", b"# A\n\nB.\n")}}),
        ("GET", "/v1/models", {}),
        ("POST", "/v1/threads", {"json": {}}),
        ("GET", "/health/ready", {}),
    ]
    time.sleep(1.2 * PING_AFTER_SECONDS)  # a statement that is on its way waits for its end
    with stopped(postmaster(disk)), ThreadPoolExecutor(len(wanted)) as pool:
        begun = [
            pool.submit(ann.request, method, path, timeout=PATIENCE_SECONDS, **more)
            for method, path, more in wanted
        ]
        assert ann.get("/health/live").status_code == 200
        told = [one.result() for one in begun]
    assert [one.status_code for one in told] == [503] * len(wanted), [one.text for one in told]
    eventually(lambda: is_well(ann, made))


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """A process, with its children, that does nothing for a while."""
    frozen = [process, *process.children(recursive=True)]
    for one in frozen:
        one.suspend()
    try:
        yield
    finally:
        for one in frozen:
            one.resume()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGQUIT])
def test_one_that_dies_is_started_again(
    disk: Path, ann: Client, made: dict[str, Any], number: signal.Signals
) -> None:
    dead = postmaster(disk)
    dead.send_signal(number)
    eventually(lambda: not dead.is_running() or dead.status() == psutil.STATUS_ZOMBIE)
    eventually(lambda: is_well(ann, made))
    path = f"{API}/assistants/{made['id']}/documents/"
    name = f"{number}.md"
    assert ann.post(path, files={"files": (name, b"# %d\n\nB.\n" % number)}).status_code == 201
    documents = ann.read(made["id"])["documents"]
    assert {one["status"] for one in documents} == {"ready"}, "the worker goes on, too"


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Without any room; behind the block there is as much as before."""
    room = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
    try:
        yield
    finally:
        filler.unlink()


def test_a_full_disk_is_told_and_nothing_is_half_written(
    disk: Path, server: Server, ann: Client, made: dict[str, Any], settings: dict[str, str]
) -> None:
    if not disk.is_mount():
        pytest.skip("Only root may mount a small disk that can be filled.")
    path = f"{API}/assistants/{made['id']}/documents/"
    before = {one["filename"] for one in ann.get(path).json()}
    noise = os.urandom(300_000)
    names: list[str] = []
    with full(disk):
        answer = ann.post(path, files={"files": ("big.md", noise)})
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        answer = ann.post("/v1/files", data={"purpose": "assistants"}, files={"file": noise})
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "storage_full")
        for url in (path, f"{made['documents'][0]['url']}content/", "/health/live"):
            assert ann.get(url).status_code == 200, "reads go on"
        refused = fill_the_database(ann, names)
        assert refused.status_code in {503, 507}, refused.text
        assert refused.json()["code"] in {"storage_full", "database_unavailable"}
        assert ann.get("/health/live").status_code == 200
        assert server.process.poll() is None
    eventually(lambda: is_well(ann, made))
    assert {one["filename"] for one in ann.get(path).json()} == before
    listed = ann.get(f"{API}/assistants/", params={"limit": 1}).json()
    assert listed, "and it takes new ones"
    assert ann.assistant("After")["name"] == "After"
    for address in names:
        assert ann.get(address).status_code == 200, "what was acknowledged is there"
    files = [one for one in (disk / "data/files").rglob("*") if one.is_file()]
    assert len(files) == len(before), "nothing half-written"
    checked = run(["check", "--json"], {**server.process.environment, **settings}, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def fill_the_database(ann: Client, names: list[str]) -> httpx.Response:
    """Make assistants until one is refused; the addresses of those that were made."""
    for number in range(LARGEST):
        noise = os.urandom(50_000).hex()
        body = {"name": f"Big {number}", "company_name": "Acme", "instructions": noise}
        answer = ann.post(f"{API}/assistants/", json=body)
        if answer.status_code != 201:
            return answer
        names.append(f"{API}/assistants/{answer.json()['id']}/")
    raise AssertionError("the disk was never full")
