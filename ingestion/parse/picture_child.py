"""The drawing child: a PDF in, one of its pages out, inside limits as in `ingestion.parse.child`.

Started by `ingestion.parse.drawing` as `python -I -m ingestion.parse.picture_child`. A module of
its own, since somebody waits for the picture: it imports a fifth of what parsing needs.
"""

import sys
from typing import BinaryIO

from ingestion.errors import DocumentRejected
from ingestion.parse import wire
from ingestion.parse.confine import confine, private_stdout


def main() -> int:
    """Read the request and the file from stdin, write the answer to stdout.

    Returns:
        the exit code: 0 after an answer, `EXIT_OUT_OF_MEMORY`, 1 when the parent went away.
    """
    request = _read_request(sys.stdin.buffer)
    confine(request.limits)
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


def _read_request(stdin: BinaryIO) -> wire.PictureRequest:
    length = int.from_bytes(stdin.read(wire.LENGTH_BYTES), "big")
    return wire.decode_picture_request(stdin.read(min(length, wire.MAX_PICTURE_REQUEST_BYTES)))


def _answer(request: wire.PictureRequest, data: bytes) -> wire.Message:
    from ingestion.parse import picture  # noqa: PLC0415 - PDFium is loaded inside the limits

    try:
        if isinstance(request, wire.Draw):
            return wire.Drawn(picture.draw(data, request.page, request.width, request.password))
        return wire.Placed(*picture.place(data, request.page, request.text, request.password))
    except DocumentRejected as error:
        return wire.Refused(error.code, error.detail, too_complex=False)


if __name__ == "__main__":
    sys.exit(main())
