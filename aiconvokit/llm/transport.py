"""HTTP/1.1 for the official client, parsed in C: how the client comes by its bytes.

A streamed answer is thousands of tiny chunks. The client's own transport walks through each in
Python, which costs more than everything else we do with it. Here one arrival from the network is
one piece, however many chunks it holds: less work, and what came together is passed on together.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import cast

import httptools
import httpx2
from typing_extensions import override

HIGH_WATER = 256 * 1024
"""Bytes that wait for a slow reader before the server is made to wait."""
MOST_BYTES = 256 * 1024 * 1024
"""Of one answer, headers and body: a server that sends more of them sends no answer."""
KEEP_SECONDS = 60.0
"""An idle connection is closed then; a server that closes it earlier is noticed at once."""
MOST_IDLE = 100
"""Idle connections kept for one address; as many as a burst leaves are of no use later."""

_Origin = tuple[str, str, int]
_HOP_HEADERS = frozenset({b"transfer-encoding", b"connection", b"keep-alive"})


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, its answer parsed as it arrives."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.is_lost = False
        self.idle_until: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.is_complete = False
        self.can_be_kept = False
        self._has_head = False
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._bytes = 0
        self._fault: httpx2.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None

    # What asyncio calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(f"no valid HTTP answer: {error}"))
            self.abort()
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            self._fail(httpx2.RemoteProtocolError("the answer has no end"))
            self.abort()
        if self._waiting_bytes > HIGH_WATER:
            self._transport.pause_reading()
        self._wake()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self.idle_until is not None:
            self.idle_until.cancel()
        if self._ends_with_connection():
            self.is_complete = exc is None and self._fault is None
        if not self.is_complete:
            self._fail(httpx2.RemoteProtocolError("the server closed the connection"))
        self._wake()

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:  # before it come interim answers such as 103
            self.status, self._has_head = status, True
        else:
            self.headers.clear()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        if self._has_head:
            self.is_complete = True
            self.can_be_kept = self._parser.should_keep_alive()

    # What the transport calls.

    def send(self, request: bytes) -> None:
        """Begin a request; its answer is read from then on."""
        self._reset()
        self._transport.write(request)

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            httpx2.TransportError: they did not come.
        """
        while not self._has_head:
            await self._arrival()

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, one piece for what has arrived since the last."""
        while True:
            if self._pieces:
                piece = b"".join(self._pieces)
                self._pieces.clear()
                if self._waiting_bytes > HIGH_WATER:
                    self._transport.resume_reading()
                self._waiting_bytes = 0
                yield piece
            elif self.is_complete:
                return
            else:
                await self._arrival()

    @property
    def is_read(self) -> bool:
        """The answer was read to its end; with some of it left, reading may be paused."""
        return self.is_complete and not self._pieces

    @property
    def is_usable(self) -> bool:
        """Neither lost nor being hung up."""
        return not (self.is_lost or self._transport.is_closing())

    def abort(self) -> None:
        """Hang up now."""
        self._transport.abort()

    async def _arrival(self) -> None:
        if self._fault is not None:
            raise self._fault
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, fault: httpx2.TransportError) -> None:
        self._fault = self._fault or fault

    def _ends_with_connection(self) -> bool:
        """Neither a length nor chunks: such a body ends when the server hangs up."""
        framed = any(
            name.lower() == b"content-length"
            or (name.lower() == b"transfer-encoding" and b"chunked" in value.lower())
            for name, value in self.headers
        )
        return self._has_head and not framed


class _Body(httpx2.AsyncByteStream):
    """An answer's body; closing it before its end hangs up."""

    def __init__(self, owner: "FastTransport", origin: _Origin, connection: _Connection) -> None:
        self._owner = owner
        self._origin = origin
        self._connection: _Connection | None = connection

    @override
    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._connection is None:
            raise httpx2.StreamClosed
        return self._connection.pieces()

    @override
    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._owner.give_back(self._origin, connection)


class FastTransport(httpx2.AsyncBaseTransport):
    """Connections to servers, kept between requests. No proxies, no HTTP/2."""

    def __init__(self) -> None:
        self._idle: dict[_Origin, list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        content = await request.aread()
        return await self._answer(request, b"".join((_head(request), b"\r\n", content)))

    async def post(self, blank: httpx2.Request, content: bytes) -> httpx2.Response:
        """Send a request whose body and length are not among what it says of itself.

        Args:
            blank: the request without them; it may be sent again.
            content: the body.

        Raises:
            httpx2.TransportError: no answer.
        """
        length = b"Content-Length: %d\r\n\r\n" % len(content)
        return await self._answer(blank, b"".join((_head(blank), length, content)))

    async def _answer(self, request: httpx2.Request, sent: bytes) -> httpx2.Response:
        origin = _origin(request.url)
        connection = self._take(origin) or await self._connect(origin, request)
        try:
            connection.send(sent)
            await connection.head()
        except BaseException:  # cancelled, too: half an answer is no use to the next request
            connection.abort()
            raise
        return httpx2.Response(
            connection.status,
            headers=[pair for pair in connection.headers if pair[0].lower() not in _HOP_HEADERS],
            stream=_Body(self, origin, connection),
        )

    @override
    async def aclose(self) -> None:
        for kept in self._idle.values():
            for connection in kept:
                connection.abort()
        self._idle.clear()

    def give_back(self, origin: _Origin, connection: _Connection) -> None:
        """Keep a connection whose answer was read to its end, or hang up."""
        kept = self._idle.setdefault(origin, [])
        reusable = connection.is_read and connection.can_be_kept and connection.is_usable
        if not reusable or len(kept) >= MOST_IDLE:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_until = loop.call_later(KEEP_SECONDS, connection.abort)
        kept.append(connection)

    def _take(self, origin: _Origin) -> _Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.idle_until is not None:
                connection.idle_until.cancel()
            if connection.is_usable:
                return connection
        return None

    async def _connect(self, origin: _Origin, request: httpx2.Request) -> _Connection:
        scheme, host, port = origin
        if scheme == "https" and self._tls is None:
            self._tls = await asyncio.to_thread(httpx2.create_ssl_context)  # reads 200 certificates
        seconds = request.extensions.get("timeout", {}).get("connect")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, connection = await loop.create_connection(
                    _Connection, host, port, ssl=self._tls if scheme == "https" else None
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(f"no connection in {seconds} s", request=request) from error
        except OSError as error:  # ssl.SSLError is one
            raise httpx2.ConnectError(str(error), request=request) from error
        return connection


def _head(request: httpx2.Request) -> bytes:
    """The lines of its head, without the empty one that ends it."""
    lines = [request.method.encode("ascii"), b" ", request.url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in request.headers.raw:
        lines += (name, b": ", value, b"\r\n")
    return b"".join(lines)


def _origin(url: httpx2.URL) -> _Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)
