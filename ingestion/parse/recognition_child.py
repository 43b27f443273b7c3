"""The recognising child: a page in, its words out, inside limits as in `ingestion.parse.child`.

Started by `ingestion.parse.recognise` as `python -I -m ingestion.parse.recognition_child`.
"""

import sys
from typing import BinaryIO

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse import wire
from ingestion.parse.confine import confine, give_way, private_stdout


def main() -> int:
    """Read the request and the file from stdin, write the answer to stdout.

    Returns:
        the exit code: 0 after an answer, `EXIT_OUT_OF_MEMORY`, 1 when the parent went away.
    """
    request = _read_request(sys.stdin.buffer)
    confine(request.limits)
    give_way()
    answers = private_stdout()
    data = sys.stdin.buffer.read(request.size)
    if len(data) < request.size:
        return 1
    try:
        answer = wire.encode(_answer(request, data))
    except MemoryError:
        return wire.EXIT_OUT_OF_MEMORY
    answers.write(answer)
    answers.flush()
    return 0


def _read_request(stdin: BinaryIO) -> wire.Recognise:
    length = int.from_bytes(stdin.read(wire.LENGTH_BYTES), "big")
    return wire.decode_recognise(stdin.read(min(length, wire.MAX_REQUEST_BYTES)))


def _answer(request: wire.Recognise, data: bytes) -> wire.Message:
    from ingestion.parse import recognition  # noqa: PLC0415 - an extra, loaded inside the limits

    try:
        return wire.Recognised(
            recognition.recognise(data, request.media_type, request.page, request.password)
        )
    except DocumentRejected as error:
        too_complex = isinstance(error, DocumentTooComplex)
        return wire.Refused(error.code, error.detail, too_complex=too_complex)


if __name__ == "__main__":
    sys.exit(main())
