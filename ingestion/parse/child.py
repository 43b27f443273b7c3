"""The child: one file in, one answer out, inside limits that it puts on itself first.

A fork of `ingestion.parse.fork_server`, or started as `python -I -m ingestion.parse.child`. The
file is read only when the limits are in force; a new process imports the parser only then, too.
"""

import logging
import sys

from ingestion.chunk import chunk_document
from ingestion.parse import wire
from ingestion.parse.aids import Aids, Unread
from ingestion.parse.confine import give_way
from ingestion.parse.one_file import Send, answer_one
from ingestion.parse.registry import parse


def main() -> int:
    """Parse one file and cut it into passages; the exit code of `one_file`."""
    give_way()
    do_without("numpy")
    return answer_one(wire.decode_request, wire.MAX_REQUEST_BYTES, _answer)


def do_without(module: str) -> None:
    """Let its import fail: openpyxl takes numpy where it finds it, 120 MB and a thread a core."""
    sys.modules[module] = None  # type: ignore[assignment] # how the import system spells it


def _answer(request: wire.Request, data: bytes, send: Send) -> wire.Message:
    try:
        document = parse(
            data,
            request.media_type,
            request.filename,
            request.limits,
            lambda pages: send(wire.PagesKnown(pages)),
            Aids(request.password, request.texts),
        )
        return wire.Parsed(document, chunk_document(document, request.cutting))
    except Unread as unread:
        return wire.ToRecognise(unread.pages)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # libraries report every oddity of every file
    sys.exit(main())
