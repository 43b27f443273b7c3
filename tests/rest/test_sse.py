"""Server-sent events through a real server on a socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import uvicorn
from litestar import Litestar, get

from aiconvokit.rest import sse
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.sse import EventStream, event, while_listening
from support.server import free_port


@asynccontextmanager
async def serving(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    port = free_port()
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(0.01)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as found:
            yield found
    finally:
        server.should_exit = True
        await task


class Source:
    """Events until it is told to stop, and whether it was let finish."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.is_left = asyncio.Event()

    async def events(self) -> AsyncGenerator[bytes]:
        try:
            for piece in self.pieces:
                yield event("delta", {"text": piece})
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)  # what it puts away takes time
            self.is_left.set()

    async def work(self) -> str:
        async for _ in self.events():
            pass
        return ""


def app_of(source: Source) -> Litestar:
    @get("/stream")
    async def stream() -> EventStream:
        return EventStream(source.events(), lambda error: event("error", {"code": error.code}))

    @get("/plain")
    async def plain(request: ApiRequest) -> str:
        return await while_listening(request, source.work())

    return Litestar([stream, plain], openapi_config=None)


async def test_a_comment_keeps_the_connection_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PING_SECONDS", 0.05)
    source = Source("one\n\ntwo", "é")
    got = b""
    async with serving(app_of(source)) as client, client.stream("GET", "/stream") as response:
        assert response.headers["x-accel-buffering"] == "no"
        async for piece in response.aiter_bytes():
            got += piece
            if got.count(sse.PING) == 2:
                break
    blocks = got.split(b"\n\n")
    assert blocks[0] == b'event: delta\ndata: {"text":"one\\n\\ntwo"}'
    assert blocks[1] == 'event: delta\ndata: {"text":"é"}'.encode()
    assert blocks[2] == b": ping"


@pytest.mark.parametrize("path", ["/stream", "/plain"])
async def test_who_leaves_stops_the_work_and_lets_it_put_things_away(path: str) -> None:
    source = Source("one")
    async with serving(app_of(source)) as client:
        with suppress(httpx.ReadTimeout):
            async with client.stream("GET", path, timeout=0.3) as response:
                async for _ in response.aiter_bytes():
                    break
        async with asyncio.timeout(10):
            await source.is_left.wait()
