"""The recognising child: a page in, its words out, inside limits as in `ingestion.parse.child`.

Started by `ingestion.parse.recognise` as `python -I -m ingestion.parse.recognition_child`.
"""

import sys

from ingestion.parse import wire
from ingestion.parse.confine import give_way
from ingestion.parse.one_file import Send, answer_one


def main() -> int:
    """Recognise the words of one page; the exit code of `one_file`."""
    give_way()
    return answer_one(wire.decode_recognise, wire.MAX_REQUEST_BYTES, _answer)


def _answer(request: wire.Recognise, data: bytes, _: Send) -> wire.Message:
    from ingestion.parse import recognition  # noqa: PLC0415 - an extra, loaded inside the limits

    return wire.Recognised(
        recognition.recognise(data, request.media_type, request.page, request.password)
    )


if __name__ == "__main__":
    sys.exit(main())
