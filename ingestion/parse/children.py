"""Files of strangers are looked at in child processes that can be killed.

One child a file: nothing in its environment, only pipes to talk through, its own process group, and
limits it puts on itself before it looks at the file.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from ingestion.errors import DocumentTooComplex, IngestionError, ParserCrashed
from ingestion.parse import wire
from ingestion.parse.limits import Limits

logger = logging.getLogger(__name__)

STDERR_BYTES = 16_384
"""What is kept of a child's complaints."""

_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A thread a core has no room in a child's address space, and there are two children at once."""

_OUT_OF_MEMORY = frozenset({wire.EXIT_OUT_OF_MEMORY, -signal.SIGABRT})
"""PDFium and the tokenizer abort when they get no memory; they crash in other ways."""


async def ask_child(module: str, request: bytes, data: bytes, limits: Limits) -> wire.Message:
    """Start a module as a child, send it a request and a file, and give back what it answers.

    Cancelling kills the child at once.

    Args:
        module: which one; its first deed is `ingestion.parse.confine.confine`.
        request: a frame.
        data: the file.
        limits: what the answer may cost.

    Raises:
        DocumentRejected: the child refused the file.
        DocumentTooComplex: a limit was hit: also by the child itself.
        ParserCrashed: the child ended without an answer.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", module),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=_ENVIRONMENT,
        start_new_session=True,
    )
    try:
        return await _converse(process, (request, data), limits)
    except TimeoutError:
        raise DocumentTooComplex(
            "Reading the document took too long. Split it, or export it anew.", code="timeout"
        ) from None
    finally:
        await _end(process)


async def _converse(process: Process, frames: tuple[bytes, ...], limits: Limits) -> wire.Message:
    started = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(started + limits.wall_seconds) as deadline:
        async with asyncio.TaskGroup() as group:
            complaints = group.create_task(_read_stderr(process))
            group.create_task(_feed(process, frames))
            answer = await _read_message(process, limits)
            if isinstance(answer, wire.PagesKnown):
                deadline.reschedule(started + limits.wall_for(answer.pages))
                answer = await _read_message(process, limits)
            if answer is not None:
                _kill(process)  # so that both tasks end, whatever the child still does
        code = await process.wait()
    match answer:
        case wire.Refused():
            raise answer.error()
        case None | wire.PagesKnown():
            raise _silence(code, complaints.result())
        case _:
            return answer


async def _feed(process: Process, frames: tuple[bytes, ...]) -> None:
    assert process.stdin is not None  # noqa: S101 - PIPE was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # a child that died says why
        for frame in frames:
            process.stdin.write(frame)
            await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()


async def _read_message(process: Process, limits: Limits) -> wire.Message | None:
    """The next message; None when the child ended without one, or sent anything else."""
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    try:
        length = int.from_bytes(await process.stdout.readexactly(wire.LENGTH_BYTES), "big")
        if length > limits.answer_bytes:
            return wire.Refused(
                "too_complex", "The document is too large when unpacked.", too_complex=True
            )
        return wire.decode(await process.stdout.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    except msgspec.DecodeError:
        _kill(process)
        return None


async def _read_stderr(process: Process) -> bytes:
    """The last of what the child complained about."""
    assert process.stderr is not None  # noqa: S101 - PIPE was asked for
    kept = b""
    while block := await process.stderr.read(STDERR_BYTES):
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


def _kill(process: Process) -> None:
    """Kill the child's whole group, unless the child is gone and its number may be another's."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def _end(process: Process) -> None:
    _kill(process)
    await process.wait()
