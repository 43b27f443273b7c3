"""Children of a sandbox are forks of one server; what holds for a new process holds for them."""

import asyncio
import os
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress

import psutil
import pytest

from ingestion.errors import DocumentRejected, DocumentTooComplex, ParserCrashed
from ingestion.load import PDF, TEXT
from ingestion.parse import forks
from ingestion.parse.limits import MB, Limits
from ingestion.parse.sandbox import Sandbox, parse_in_child

MakePdf = Callable[[Sequence[str]], bytes]
MakeBomb = Callable[[bytes, int], bytes]

_SLOW = b"word " * 3_500_000


_OTHERS: set[int] = set()


@pytest.fixture(autouse=True)
def others() -> None:
    """Servers of other tests, which may have left theirs to the garbage collector."""
    _OTHERS.clear()
    _OTHERS.update(one.pid for one in _servers())


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    with closing(Sandbox(children=2)) as found:
        yield found
    assert _servers() == []


def _servers() -> list[psutil.Process]:
    return [
        one
        for one in psutil.Process().children()
        if one.pid not in _OTHERS
        and one.status() != psutil.STATUS_ZOMBIE
        and "fork_server" in " ".join(one.cmdline())
    ]


def _forks() -> list[psutil.Process]:
    return [
        fork
        for server in _servers()
        for fork in server.children()
        if fork.status() != psutil.STATUS_ZOMBIE
    ]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _running(sandbox: Sandbox) -> AsyncIterator[tuple[asyncio.Task[object], psutil.Process]]:
    """A slow parse, and its fork once it works."""
    async with asyncio.timeout(30):
        task = asyncio.create_task(sandbox.parse(_SLOW, TEXT, "slow.txt"))
        await until(lambda: any(one.cpu_times().user > 0.2 for one in _forks()))
        try:
            yield task, _forks()[0]
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_a_fork_reads_as_a_new_process_does(sandbox: Sandbox, make_pdf: MakePdf) -> None:
    pages = make_pdf(["ITEM 1. BUSINESS\nWe sell anvils.", "ITEM 2. PROPERTIES\nWe own a desert."])
    for data, media_type, name in [(pages, PDF, "ACME_2024.pdf"), (b"# Text", TEXT, "a.txt")] * 2:
        parsed = await sandbox.parse(data, media_type, name)
        assert parsed == await parse_in_child(data, media_type, name, Limits())
    assert len(_servers()) == 1
    assert _forks() == []


async def test_refusals_come_back(sandbox: Sandbox, make_pdf: MakePdf) -> None:
    with pytest.raises(DocumentRejected) as caught:
        await sandbox.parse(b"%PDF-1.7 and nothing", PDF, "broken.pdf")
    assert caught.value.code == "corrupt"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(wall_seconds=2.0, wall_seconds_per_page=0), "timeout"),
        (Limits(cpu_seconds=1), "timeout"),
        (Limits(characters=1_000_000), "too_complex"),
    ],
)
async def test_limits_stop_a_long_document(limits: Limits, code: str) -> None:
    with closing(Sandbox(limits)) as sandbox:
        with pytest.raises(DocumentTooComplex) as caught:
            await sandbox.parse(_SLOW, TEXT, "slow.txt")
        assert caught.value.code == code
        assert _forks() == []
        assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks


async def test_a_bomb_of_memory_is_stopped(make_bomb: MakeBomb) -> None:
    operators = b"BT /F1 12 Tf " + b"(hello world) Tj 0 -10 Td " * 400_000 + b"ET"
    with closing(Sandbox(Limits(memory_bytes=450 * MB))) as sandbox:
        with pytest.raises(DocumentTooComplex) as caught:
            await sandbox.parse(make_bomb(operators, 1), PDF, "bomb.pdf")
        assert caught.value.code == "memory"
        assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks


async def test_a_fork_that_dies_is_a_crash_and_the_server_goes_on(sandbox: Sandbox) -> None:
    async with _running(sandbox) as (task, fork):
        (server,) = _servers()
        fork.send_signal(signal.SIGSEGV)
        with pytest.raises(ParserCrashed, match="SIGSEGV"):
            await task
    assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks
    assert _servers() == [server]


async def test_a_server_that_dies_takes_its_forks_and_is_replaced(sandbox: Sandbox) -> None:
    async with _running(sandbox) as (task, fork):
        _servers()[0].kill()
        with pytest.raises(ParserCrashed, match="SIGKILL"):
            await task
        await until(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE)
    assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks


async def test_cancelling_kills_the_fork_at_once(sandbox: Sandbox) -> None:
    async with _running(sandbox) as (task, fork):
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 2
        assert not fork.is_running()


async def test_a_fork_knows_nothing_and_can_do_little(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    async with _running(sandbox) as (_, fork):
        assert "DATABASE_URL" not in fork.environ()
        assert fork.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert fork.rlimit(psutil.RLIMIT_NOFILE) == (32, 32)
        assert fork.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert fork.rlimit(psutil.RLIMIT_AS) == (1024 * MB, 1024 * MB)
        assert fork.num_fds() <= 4, "its three pipes, one of them twice"


async def test_so_many_at_once_and_no_more(sandbox: Sandbox) -> None:
    most = 0
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(sandbox.parse(b"word " * 99_999, TEXT, "a")) for _ in range(5)]
        while not all(task.done() for task in tasks):
            most = max(most, len(_forks()))
            await asyncio.sleep(0.01)
    assert most == 2


async def test_a_server_without_work_gives_its_memory_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "IDLE_SECONDS", 0.2)
    await sandbox.parse(b"text", TEXT, "a.txt")
    assert len(_servers()) == 1
    await until(lambda: not _servers())
    assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks


async def test_a_file_that_came_in_time_is_read_to_its_end(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "IDLE_SECONDS", 1.0)
    for _ in range(3):
        await sandbox.parse(b"text", TEXT, "a.txt")
    async with _running(sandbox) as (task, _):
        done, _ = await asyncio.wait([task], timeout=2 * forks.IDLE_SECONDS)
        assert not done, "its server went away while it worked"


@contextmanager
def files_left(count: int) -> Iterator[None]:
    """As long as the block lasts, this process can open so many files and sockets and no more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, before[1]))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))
        for _ in range(count):
            os.close(taken.pop())
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("count", range(4))
async def test_no_fork_without_sockets_and_nothing_is_left_of_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    await sandbox.parse(b"text", TEXT, "a.txt")
    before = psutil.Process().num_fds()
    monkeypatch.setattr(forks, "IDLE_SECONDS", 0.2)
    with files_left(count), pytest.raises(ParserCrashed, match="could not be started"):
        await sandbox.parse(b"text", TEXT, "a.txt")
    assert psutil.Process().num_fds() == before
    await until(lambda: not _servers())  # it waits for no fork


@pytest.mark.parametrize("count", range(4))
async def test_no_server_without_sockets(sandbox: Sandbox, count: int) -> None:
    before = psutil.Process().num_fds()
    with files_left(count), pytest.raises(ParserCrashed, match="could not be started"):
        await sandbox.parse(b"text", TEXT, "a.txt")
    assert psutil.Process().num_fds() == before
    assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks


async def test_a_server_that_hears_nothing_is_a_crash_and_is_replaced(sandbox: Sandbox) -> None:
    await sandbox.parse(b"text", TEXT, "a.txt")
    server = sandbox._forks._server
    assert server is not None
    server.control.shutdown(socket.SHUT_RDWR)
    with pytest.raises(ParserCrashed, match="could not be started"):
        await sandbox.parse(b"text", TEXT, "a.txt")
    await until(lambda: server.process.poll() is not None)
    assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks
