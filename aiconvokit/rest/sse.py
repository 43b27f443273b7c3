"""Server-sent events to a client that may leave at any moment."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from typing_extensions import override

from aiconvokit.errors import AIConvoKitError, ServerStopping
from aiconvokit.rest.ending import watched

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


Last = Callable[[AIConvoKitError], bytes]
"""Draws why a stream ends before its end, as its last event."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Events of which the answer's head says something, too."""

    events: AsyncGenerator[bytes]
    headers: Mapping[str, str]


class EventStream(Response[Any]):
    """Sends events as they come, and a comment when none does for a while.

    The generator is cancelled as soon as the client is gone, and has finished, whatever it still
    has to put away, when the response ends. Where the server is stopped, or who asks may not ask
    any more, `last` draws the last event.
    """

    def __init__(self, events: AsyncGenerator[bytes] | Announced, last: Last) -> None:
        super().__init__(content=b"")
        self._told = events if isinstance(events, Announced) else Announced(events, {})
        self._last = last

    @override
    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        return _Sending(self._told, self._last)


class _Sending(ASGIResponse):
    def __init__(self, told: Announced, last: Last) -> None:
        super().__init__()
        self._events = told.events
        own = [(name.lower().encode(), value.encode()) for name, value in told.headers.items()]
        self._headers = [*_HEADERS, *own]
        self._last = last

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_disconnected(receive))
        why: AIConvoKitError | None = None
        try:
            with watched(scope) as ending:
                parts: set[asyncio.Future[Any]] = {pump, gone, ending}
                while not any(one.done() for one in parts):
                    await asyncio.wait(
                        parts, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    if not any(one.done() for one in parts):
                        await send(_body(PING))
                if ending.done() and not pump.done():
                    why = ending.result()
        except asyncio.CancelledError:  # nobody but a server that stops does that
            why = ServerStopping()
        finally:
            await _stop(gone, pump)
        if why is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(STALL_SECONDS):
                    await send(_end(self._last(why)))
        elif not (pump.cancelled() or isinstance(pump.exception(), TimeoutError)):
            await send(_end(b""))

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
        NotAuthenticated: who asks may not ask any more.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request.receive))
    try:
        with watched(request.scope) as ending:
            parts: set[asyncio.Future[Any]] = {task, gone, ending}
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        is_given_up = not task.done()
    except asyncio.CancelledError as error:  # nobody but a server that stops does that
        raise ServerStopping from error
    finally:
        await _stop(gone, task)
    if is_given_up and task.cancelled():
        raise ending.result() if ending.done() else ClientGone
    return task.result()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what still runs and wait until it has put away what it must."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _end(data: bytes) -> Any:
    return {"type": "http.response.body", "body": data, "more_body": False}


def _body(data: bytes) -> Any:
    return {"type": "http.response.body", "body": data, "more_body": True}
