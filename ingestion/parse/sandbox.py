"""Files of strangers are parsed in a child process that can be killed.

The child also cuts the document into passages, because pure Python of that length would stall the
parent's event loop. Where words on pictures are recognised, pages that are pictures go through
children of their own, and the file is parsed again with their words.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import msgspec

from ingestion.cutting import Cutting
from ingestion.errors import DocumentTooComplex, ParserCrashed
from ingestion.extras import reads_pictures
from ingestion.load import clean_filename
from ingestion.parse import wire
from ingestion.parse.children import Child, ask_child, spawned
from ingestion.parse.forks import Forks
from ingestion.parse.limits import Limits
from ingestion.parse.recognise import recognise_pages
from ingestion.parse.wire import Parsed

CHILDREN = 2
"""At once in a process: a parse takes a core and up to 1 GiB."""

RECOGNISERS = 1
"""Beside them, a page at a time: a scan takes long, and no other file waits until it is done."""

_PARSING_CHILD = "ingestion.parse.child"
_Slots = AbstractAsyncContextManager[None]


class Sandbox:
    """Parses files, a few at a time; the others wait their turn.

    A scan gives its place back while its words are recognised. The children that parse are forks of
    one server, to be closed at the end.
    """

    def __init__(self, limits: Limits | None = None, *, children: int = CHILDREN) -> None:
        self.limits = limits or Limits()
        self._forks = Forks()
        slots = (asyncio.Semaphore(children), asyncio.Semaphore(RECOGNISERS))
        self._ways = _Ways(*slots, self._forks.start)

    def close(self) -> None:
        """End the server, and with it what is still being parsed."""
        self._forks.close()

    async def parse(
        self,
        data: bytes,
        media_type: str,
        filename: str,
        cutting: Cutting | None = None,
        *,
        password: str | None = None,
    ) -> Parsed:
        """`parse_in_child` with this sandbox's limits, when it is this file's turn."""
        request = _request(data, media_type, filename, self.limits, cutting, password)
        return await _parse(data, request, self._ways)


async def parse_in_child(
    data: bytes,
    media_type: str,
    filename: str,
    limits: Limits,
    cutting: Cutting | None = None,
    *,
    password: str | None = None,
) -> Parsed:
    """Parse a file and cut it into passages, in a child of its own.

    Cancelling kills the child at once.

    Args:
        data: the file.
        media_type: what `ingestion.load.sniff` found.
        filename: for the title only.
        limits: what the file may cost.
        cutting: how its passages are to be cut; None: as we choose.
        password: what opens the file where it needs one.

    Raises:
        DocumentRejected: the file cannot be read.
        DocumentTooComplex: a limit was hit: pages, characters, time or memory.
        ParserCrashed: the child ended without an answer.
    """
    request = _request(data, media_type, filename, limits, cutting, password)
    return await _parse(data, request, _Ways(nullcontext(), nullcontext(), _spawn))


async def _spawn(_media_type: str) -> Child:
    return await spawned(_PARSING_CHILD)()


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is waited for before a child is started, and how one that reads a type is."""

    parser: _Slots
    recogniser: _Slots
    start: Callable[[str], Awaitable[Child]]


def _request(
    data: bytes,
    media_type: str,
    filename: str,
    limits: Limits,
    cutting: Cutting | None,
    password: str | None,
) -> wire.Request:
    if len(data) > limits.file_bytes:
        raise DocumentTooComplex(
            f"The file has {len(data):,} bytes; at most {limits.file_bytes:,} are read. Split it."
        )
    texts: dict[int, str] | None = {} if reads_pictures() else None
    name = clean_filename(filename)
    return wire.Request(media_type, name, len(data), limits, cutting, password, texts)


async def _parse(data: bytes, request: wire.Request, ways: _Ways) -> Parsed:
    answer = await _ask(data, request, ways)
    if isinstance(answer, wire.ToRecognise):
        texts = await recognise_pages(
            data,
            request.media_type,
            answer.pages,
            request.limits,
            request.password,
            ways.recogniser,
        )
        answer = await _ask(data, msgspec.structs.replace(request, texts=texts), ways)
    if not isinstance(answer, Parsed):
        raise ParserCrashed("The parser answered something else.")
    return answer


async def _ask(data: bytes, request: wire.Request, ways: _Ways) -> wire.Message:
    async with ways.parser:
        start = partial(ways.start, request.media_type)
        return await ask_child(start, wire.encode(request), data, request.limits)
