"""Just enough HTTP/1.1 to break it on purpose, which no proper server lets one do."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests"}


class ClientGone(Exception):
    """The client closed the connection before it had its answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Connection:
    """One connection of a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.client: str = str(writer.get_extra_info("peername"))

    async def read(self) -> Request | None:
        """The next request, None at the end."""
        try:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *fields = head.strip().split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (field.partition(":") for field in fields)
            }
            raw = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        method, path, _ = line.split(" ")
        return Request(method, path, headers, json.loads(raw) if raw else {})

    async def pause(self, seconds: float) -> None:
        """Sleep, unless the client goes away meanwhile; it sends nothing while it waits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                with suppress(ConnectionError):  # it went without a word
                    await self._reader.read(1)
            raise ClientGone

    async def send(
        self,
        body: str | bytes | Mapping[str, Any],
        *,
        status: int = 200,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """A whole answer."""
        raw = body if isinstance(body, bytes | str) else json.dumps(body)
        raw = raw.encode() if isinstance(raw, str) else raw
        await self._head(
            status, {"content-type": media_type, "content-length": str(len(raw)), **(headers or {})}
        )
        await self._write(raw)

    async def begin_stream(self) -> None:
        """The head of an answer in chunks."""
        await self._head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})

    async def event(self, data: str | Mapping[str, Any], *, escaped: bool = True) -> None:
        """One server-sent event; not `escaped`: its text as it is, not as ASCII."""
        await self._write(_event_chunk(data, escaped=escaped))

    async def events(self, data: Sequence[str | Mapping[str, Any]]) -> None:
        """Several events that arrive at once."""
        await self._write(b"".join(_event_chunk(one, escaped=True) for one in data))

    async def end_stream(self) -> None:
        """The last chunk."""
        await self._write(b"0\r\n\r\n")

    async def close(self) -> None:
        """Hang up, wherever the answer is."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Fault')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self._write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def _write(self, raw: bytes) -> None:
        if self._writer.transport.is_closing() or self._reader.at_eof():
            raise ClientGone
        try:
            self._writer.write(raw)
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGone from error


def _event_chunk(data: str | Mapping[str, Any], *, escaped: bool) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=escaped)
    raw = f"data: {text}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(raw), raw)
