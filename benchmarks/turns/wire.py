"""Just enough HTTP/1.1 to load a server: keep-alive, JSON, chunks; one request at a time."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

LONGEST_LINE = 2**22


@dataclass(frozen=True, slots=True)
class Answer:
    """`first` is the time in seconds until the bytes looked for; None: they never came."""

    status: int
    body: bytes
    seconds: float
    first: float | None
    is_stream: bool


class Connection:
    """One connection to one server; it is opened again when the server closed it."""

    def __init__(self, base_url: str, token: str | None = None) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._prefix = parts.path.rstrip("/")
        self._credentials = f"authorization: Token {token}\r\n" if token else ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: Any = None, *, first: bytes | None = None
    ) -> Answer:
        """One request; `first` marks the first useful bytes of a streamed answer."""
        began = time.perf_counter()
        reader = await self.begin(method, path, body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        status, seen = int(answer[9:12]), None
        is_chunked = b"transfer-encoding: chunked" in answer
        if is_chunked:
            content, at = await _chunks(reader, first)
            seen = None if at is None else at - began
        else:
            length = answer.partition(b"content-length:")[2].partition(b"\r\n")[0]
            content = await reader.readexactly(int(length or b"0"))
        if b"connection: close" in answer:
            self.close()
        return Answer(status, content, time.perf_counter() - began, seen, is_chunked)

    async def begin(self, method: str, path: str, body: Any) -> asyncio.StreamReader:
        """Send a request and leave its answer to the caller."""
        raw = b"" if body is None else msgspec.json.encode(body)
        head = (
            f"{method} {self._prefix}{path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n"
            f"{self._credentials}\r\n"
        )
        reader, writer = await self._open()
        writer.write(head.encode() + raw)
        return reader

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=LONGEST_LINE
            )
        return self._streams


async def _chunks(reader: asyncio.StreamReader, first: bytes | None) -> tuple[bytes, float | None]:
    """A chunked body, and when it first held `first`."""
    content, seen = bytearray(), None
    while size := int((await reader.readline()).partition(b";")[0], 16):
        content += (await reader.readexactly(size + 2))[:-2]
        if seen is None and first is not None and first in content:
            seen = time.perf_counter()
    await reader.readexactly(2)
    return bytes(content), seen
