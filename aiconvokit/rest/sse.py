"""Server-sent events to a client that may leave at any moment."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from typing_extensions import override

from aiconvokit.errors import ServerStopping

T = TypeVar("T")
PING_SECONDS = 15
"""Proxies close connections on which nothing comes for half a minute."""
STALL_SECONDS = 60
"""How long a client may read nothing while its turn holds the thread and the model."""
PING = b": ping\n\n"

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # nginx would keep the pieces until the end
]
_encode = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """Whoever asked does not listen any more; nobody is left to be told."""


def event(name: str, data: object) -> bytes:
    """One event as the wire has it; JSON holds no line break."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(data))


@dataclass(frozen=True, slots=True)
class Announced:
    """Events of which the answer's head says something, too."""

    events: AsyncGenerator[bytes]
    headers: Mapping[str, str]


class EventStream(Response[Any]):
    """Sends events as they come, and a comment when none does for a while.

    The generator is cancelled as soon as the client is gone, and has finished, whatever it still
    has to put away, when the response ends. Where the server is stopped, `stopped` is the last
    event.
    """

    def __init__(self, events: AsyncGenerator[bytes] | Announced, stopped: bytes) -> None:
        super().__init__(content=b"")
        self._told = events if isinstance(events, Announced) else Announced(events, {})
        self._stopped = stopped

    @override
    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return _Sending(self._told, self._stopped)


class _Sending(ASGIResponse):
    def __init__(self, told: Announced, stopped: bytes) -> None:
        super().__init__()
        self._events = told.events
        own = [(name.lower().encode(), value.encode()) for name, value in told.headers.items()]
        self._headers = [*_HEADERS, *own]
        self._stopped = stopped

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_disconnected(receive))
        last = b""
        try:
            while not pump.done() and not gone.done():
                await asyncio.wait(
                    {pump, gone}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if not pump.done() and not gone.done():
                    await send(_body(PING))
        except asyncio.CancelledError:  # nobody but a server that stops does that
            last = self._stopped
        finally:
            await _stop(gone, pump)
        if last or not (pump.cancelled() or isinstance(pump.exception(), TimeoutError)):
            await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _pump(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for one in events:
                async with asyncio.timeout(STALL_SECONDS):  # who does not read has left, too
                    await send(_body(one))


async def while_listening(request: Request[Any, Any, Any], work: Coroutine[Any, Any, T]) -> T:
    """The work's result; the work is cancelled when the client goes away.

    The request's body must have been read.

    Raises:
        ClientGone: there is nobody to give the result to.
        ServerStopping: the server is being stopped.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        has_left = not task.done()
    except asyncio.CancelledError as error:  # nobody but a server that stops does that
        raise ServerStopping from error
    finally:
        await _stop(gone, task)
    if has_left and task.cancelled():
        raise ClientGone
    return task.result()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what still runs and wait until it has put away what it must."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(data: bytes) -> Any:
    return {"type": "http.response.body", "body": data, "more_body": True}
