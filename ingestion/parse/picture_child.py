"""The drawing child: a PDF in; a page as a picture, or the places of its characters, out.

Started by `ingestion.parse.drawing` as `python -I -m ingestion.parse.picture_child`, inside limits
as in `ingestion.parse.child`. A module of its own, since somebody waits for the picture: it imports
a fifth of what parsing needs.
"""

import sys

from ingestion.parse import wire
from ingestion.parse.one_file import Send, answer_one


def main() -> int:
    """Draw one page, or place its words; the exit code of `one_file`."""
    return answer_one(wire.decode_picture_request, wire.MAX_PICTURE_REQUEST_BYTES, _answer)


def _answer(request: wire.PictureRequest, data: bytes, _: Send) -> wire.Message:
    from ingestion.parse import picture  # noqa: PLC0415 - PDFium is loaded inside the limits

    if isinstance(request, wire.Draw):
        return wire.Drawn(picture.draw(data, request.page, request.width, request.password))
    return wire.Placed(*picture.place(data, request.page, request.text, request.password))


if __name__ == "__main__":
    sys.exit(main())
