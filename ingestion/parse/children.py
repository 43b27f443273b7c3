"""Files of strangers are looked at in child processes that can be killed.

One child a file: nothing in its environment, only pipes or sockets to talk through, its own process
group, and limits it puts on itself before it looks at the file.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from ingestion.errors import DocumentTooComplex, IngestionError, ParserCrashed
from ingestion.parse import wire
from ingestion.parse.limits import Limits

logger = logging.getLogger(__name__)

STDERR_BYTES = 16_384
"""What is kept of a child's complaints."""

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A thread a core has no room in a child's address space, and several children run at once."""

_OUT_OF_MEMORY = frozenset({wire.EXIT_OUT_OF_MEMORY, -signal.SIGABRT})
"""PDFium and the tokenizer abort when they get no memory; they crash in other ways."""


class Child(Protocol):
    """A process that was asked to look at one file."""

    @property
    def stdin(self) -> asyncio.StreamWriter: ...

    @property
    def stdout(self) -> asyncio.StreamReader: ...

    @property
    def stderr(self) -> asyncio.StreamReader: ...

    def kill(self) -> None:
        """Kill it with its whole group; one that is gone stays so."""
        ...

    async def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        ...


Start = Callable[[], Awaitable[Child]]
"""Starts a child that waits for its request on stdin, or raises OSError."""


def spawned(module: str) -> Start:
    """Children that are new processes; a module's first deed is `confine.confine`."""

    async def start() -> Child:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", module),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
        )
        return _Spawned(process)

    return start


class _Spawned:
    def __init__(self, process: Process) -> None:
        self._process = process
        assert process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert process.stdout is not None  # noqa: S101 - as above
        assert process.stderr is not None  # noqa: S101 - as above
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.stderr = process.stderr

    def kill(self) -> None:
        if self._process.returncode is None:  # else its number may be another's
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def wait(self) -> int:
        return await self._process.wait()


async def ask_child(start: Start, request: bytes, data: bytes, limits: Limits) -> wire.Message:
    """Start a child, send it a request and a file, and give back what it answers.

    Cancelling kills the child at once.

    Args:
        start: starts it.
        request: a frame.
        data: the file.
        limits: how long the answer may take, and how large it may be.

    Raises:
        DocumentRejected: the child refused the file.
        DocumentTooComplex: a limit was hit: also by the child itself.
        ParserCrashed: the child could not be started, or ended without an answer.
    """
    try:
        child = await start()
    except OSError as error:
        raise ParserCrashed(
            f"The parser could not be started ({error.strerror or type(error).__name__})."
        ) from error
    try:
        return await _converse(child, (request, data), limits)
    except TimeoutError:
        raise DocumentTooComplex(
            "Reading the document took too long. Split it, or export it anew.", code="timeout"
        ) from None
    finally:
        child.kill()
        await child.wait()


async def _converse(child: Child, frames: tuple[bytes, ...], limits: Limits) -> wire.Message:
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(started + limits.wall_seconds) as deadline:
        async with asyncio.TaskGroup() as group:
            complaints = group.create_task(_read_stderr(child))
            group.create_task(_feed(child, frames))
            answer = await _read_message(child, limits)
            if isinstance(answer, wire.PagesKnown):
                deadline.reschedule(started + limits.wall_for(answer.pages))
                answer = await _read_message(child, limits)
            if answer is not None:
                child.kill()  # so that both tasks end, whatever the child still does
        code = await child.wait()
    match answer:
        case wire.Refused():
            raise answer.error()
        case None | wire.PagesKnown():
            raise _silence(code, complaints.result())
        case _:
            return answer


async def _feed(child: Child, frames: tuple[bytes, ...]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a child that died says why
        for frame in frames:
            child.stdin.write(frame)
            await child.stdin.drain()
        child.stdin.write_eof()


async def _read_message(child: Child, limits: Limits) -> wire.Message | None:
    """The next message; None when the child ended without one, or sent anything else."""
    try:
        length = int.from_bytes(await child.stdout.readexactly(wire.LENGTH_BYTES), "big")
        if length > limits.answer_bytes:
            return wire.Refused(
                "too_complex", "The document is too large when unpacked.", too_complex=True
            )
        return wire.decode(await child.stdout.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    except msgspec.DecodeError:
        child.kill()
        return None


async def _read_stderr(child: Child) -> bytes:
    """The last of what the child complained about."""
    kept = b""
    while block := await child.stderr.read(STDERR_BYTES):
        kept = (kept + block)[-STDERR_BYTES:]
    return kept


def _silence(code: int, complaints: bytes) -> IngestionError:
    """Why a child ended without an answer."""
    logger.debug("Parsing child ended with %s: %s", code, complaints.decode(errors="replace"))
    if code == -signal.SIGXCPU:
        return DocumentTooComplex(
            "Reading the document took too much CPU time. Split it, or export it anew.",
            code="timeout",
        )
    if code in _OUT_OF_MEMORY:
        return DocumentTooComplex(
            "Reading the document took too much memory. Split it, or export it anew.",
            code="memory",
        )
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return ParserCrashed(f"The parser broke down over this document ({how}).")
