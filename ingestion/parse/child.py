"""The child: one file in, one answer out, inside limits that it puts on itself first.

Started by `ingestion.parse.sandbox` as `python -I -m ingestion.parse.child`. The parser
is imported and the file is read only when the limits are in force.
"""

import ctypes
import logging
import os
import resource
import signal
import sys
from typing import BinaryIO

from ingestion.chunk import chunk_document
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse import wire
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def main() -> int:
    """Read the request and the file from stdin, write the answer to stdout.

    Returns:
        the exit code: 0 after an answer, `EXIT_OUT_OF_MEMORY`, 1 when the parent went away.
    """
    request = _read_request(sys.stdin.buffer)
    confine(request.limits)
    _do_without("numpy")
    answers = _private_stdout()
    data = sys.stdin.buffer.read(request.size)
    if len(data) < request.size:
        return 1
    try:
        answer = wire.encode(_answer(request, data, answers))
    except MemoryError:
        return wire.EXIT_OUT_OF_MEMORY
    _send(answers, answer)
    return 0


def confine(limits: Limits) -> None:
    """Limit this process, for good: memory, CPU, files; nothing to gain, no life of its own."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, spare=1)  # SIGXCPU says why, SIGKILL not
    if sys.platform == "linux":  # macOS neither keeps RLIMIT_AS nor has prctl
        _limit(resource.RLIMIT_AS, limits.memory_bytes)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _limit(kind: int, value: int, *, spare: int = 0) -> None:
    """Lower the soft limit, and the hard one to `spare` above; one that is lower already stays."""
    ceiling = resource.getrlimit(kind)[1]
    hard = value + spare
    if ceiling != resource.RLIM_INFINITY:
        hard = min(hard, ceiling)
    resource.setrlimit(kind, (min(value, hard), hard))


def _do_without(module: str) -> None:
    """Let its import fail: openpyxl takes numpy where it finds it, 120 MB and a thread a core."""
    sys.modules[module] = None  # type: ignore[assignment] # how the import system spells it


def _read_request(stdin: BinaryIO) -> wire.Request:
    length = int.from_bytes(stdin.read(wire.LENGTH_BYTES), "big")
    return wire.decode_request(stdin.read(min(length, wire.MAX_REQUEST_BYTES)))


def _private_stdout() -> BinaryIO:
    """The pipe to the parent; whatever a library prints goes to stderr instead."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _answer(request: wire.Request, data: bytes, answers: BinaryIO) -> wire.Message:
    def known(pages: int) -> None:
        _send(answers, wire.encode(wire.PagesKnown(pages)))

    try:
        document = parse(data, request.media_type, request.filename, request.limits, known)
        return wire.Parsed(document, chunk_document(document))
    except DocumentRejected as error:
        return wire.Refused(
            error.code, error.detail, too_complex=isinstance(error, DocumentTooComplex)
        )


def _send(answers: BinaryIO, frame: bytes) -> None:
    answers.write(frame)
    answers.flush()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # libraries report every oddity of every file
    sys.exit(main())
