"""What every child does: one request and one file in, one answer out."""

import sys
from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeVar

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse import wire
from ingestion.parse.confine import confine, private_stdout
from ingestion.parse.limits import Limits


class Request(Protocol):
    """What comes first; `size` bytes of a file follow it."""

    @property
    def limits(self) -> Limits: ...

    @property
    def size(self) -> int: ...


R = TypeVar("R", bound=Request)
Send = Callable[[wire.Message], None]
Answer = Callable[[R, bytes, Send], wire.Message]


def answer_one(decode: Callable[[bytes], R], most_bytes: int, answer: Answer[R]) -> int:
    """Read the request and the file from stdin, write the answer to stdout.

    The limits are in force before the file is read. A file that is refused is an answer, too.

    Args:
        decode: makes the request of a frame.
        most_bytes: of the frame.
        answer: makes the answer of request and file; what it sends goes ahead of it.

    Returns:
        the exit code: 0 after an answer, `EXIT_OUT_OF_MEMORY`, 1 when the parent went away.
    """
    stdin = sys.stdin.buffer
    length = int.from_bytes(stdin.read(wire.LENGTH_BYTES), "big")
    request = decode(stdin.read(min(length, most_bytes)))
    confine(request.limits)
    answers = private_stdout()
    data = stdin.read(request.size)
    if len(data) < request.size:
        return 1
    try:
        _send(answers, _answer(request, data, lambda message: _send(answers, message), answer))
    except MemoryError:
        return wire.EXIT_OUT_OF_MEMORY
    return 0


def _answer(request: R, data: bytes, send: Send, answer: Answer[R]) -> wire.Message:
    try:
        return answer(request, data, send)
    except DocumentRejected as error:
        too_complex = isinstance(error, DocumentTooComplex)
        return wire.Refused(error.code, error.detail, too_complex=too_complex)


def _send(answers: BinaryIO, message: wire.Message) -> None:
    answers.write(wire.encode(message))
    answers.flush()
