"""The child: one file in, one answer out, inside limits that it puts on itself first.

Started by `ingestion.parse.sandbox` as `python -I -m ingestion.parse.child`. The parser
is imported and the file is read only when the limits are in force.
"""

import logging
import sys
from typing import BinaryIO

from ingestion.chunk import chunk_document
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse import wire
from ingestion.parse.aids import Aids, Unread
from ingestion.parse.confine import confine, give_way, private_stdout
from ingestion.parse.registry import parse


def main() -> int:
    """Read the request and the file from stdin, write the answer to stdout.

    Returns:
        the exit code: 0 after an answer, `EXIT_OUT_OF_MEMORY`, 1 when the parent went away.
    """
    request = _read_request(sys.stdin.buffer)
    confine(request.limits)
    give_way()
    do_without("numpy")
    answers = private_stdout()
    data = sys.stdin.buffer.read(request.size)
    if len(data) < request.size:
        return 1
    try:
        answer = wire.encode(_answer(request, data, answers))
    except MemoryError:
        return wire.EXIT_OUT_OF_MEMORY
    _send(answers, answer)
    return 0


def do_without(module: str) -> None:
    """Let its import fail: openpyxl takes numpy where it finds it, 120 MB and a thread a core."""
    sys.modules[module] = None  # type: ignore[assignment] # how the import system spells it


def _read_request(stdin: BinaryIO) -> wire.Request:
    length = int.from_bytes(stdin.read(wire.LENGTH_BYTES), "big")
    return wire.decode_request(stdin.read(min(length, wire.MAX_REQUEST_BYTES)))


def _answer(request: wire.Request, data: bytes, answers: BinaryIO) -> wire.Message:
    def known(pages: int) -> None:
        _send(answers, wire.encode(wire.PagesKnown(pages)))

    try:
        document = parse(
            data,
            request.media_type,
            request.filename,
            request.limits,
            known,
            Aids(request.password, request.texts),
        )
        return wire.Parsed(document, chunk_document(document, request.cutting))
    except Unread as unread:
        return wire.Unread(unread.pages)
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
