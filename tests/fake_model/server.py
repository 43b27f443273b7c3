"""The fake model server: `python -m fake_model.server --port 8001`, or in a test:

with running_fake_model() as fake:
    model = OpenAIChatModel(fake.base_url, None, "fake:slow_drip")
"""

import argparse
import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from fake_model.chat import answer_chat, default_reply
from fake_model.connection import ClientGone, Connection, Request
from fake_model.embeddings import answer_embeddings
from fake_model.modes import Mode, error, refusal

DIMENSIONS = 256


@dataclass(slots=True)
class Recorded:
    """A request as the fake got it.

    `outcome` is under_way, answered, hung_up or client_gone; `client` names the connection.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    client: str
    outcome: str = "under_way"


class FakeModelServer:
    """Answers on 127.0.0.1; everything it knows is in memory."""

    def __init__(self, *, dimensions: int = DIMENSIONS) -> None:
        self.dimensions = dimensions
        self.reply: str | None = None
        self.spoiled: dict[str, Mode] = {}
        self.recorded: list[Recorded] = []
        self.seen: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()

    async def serve(self, port: int, started: "asyncio.Future[int]") -> None:
        """Run until cancelled; `started` gets the port."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        started.set_result(server.sockets[0].getsockname()[1])
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            for task in list(self._connections):
                task.cancel()
            if self._connections:
                await asyncio.wait(self._connections)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._talk(Connection(reader, writer)))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _talk(self, connection: Connection) -> None:
        try:
            while (request := await connection.read()) is not None:
                if not await self._handle(connection, request):
                    return
        except ClientGone:
            pass
        finally:
            await connection.close()

    async def _handle(self, connection: Connection, request: Request) -> bool:
        match request.method, request.path:
            case "GET", "/_requests":
                await connection.send({"requests": [asdict(each) for each in self.recorded]})
            case "DELETE", "/_requests":
                self.recorded.clear()
                await connection.send({})
            case "POST", "/_script":
                self.reply = request.body["reply"]
                await connection.send({})
            case "GET", "/v1/models":
                model = {"id": "fake", "object": "model", "created": 0, "owned_by": "fake"}
                await connection.send({"object": "list", "data": [model]})
            case "POST", "/v1/chat/completions" | "/v1/embeddings":
                return await self._record(connection, request)
            case _:
                await connection.send(error(f"No {request.path} here."), status=404)
        return True

    async def _record(self, connection: Connection, request: Request) -> bool:
        record = Recorded(request.path, request.headers, request.body, connection.client)
        self.recorded.append(record)
        try:
            whole = await self._answer(connection, request)
        except ClientGone:
            record.outcome = "client_gone"
            raise
        record.outcome = "answered" if whole else "hung_up"
        return whole

    async def _answer(self, connection: Connection, request: Request) -> bool:
        model = request.body["model"]
        mode = self.spoiled.get(request.path) or Mode.of(model)
        self.seen[model] += 1
        if mode.delay_s:
            await connection.pause(mode.delay_s)
        if mode.once and self.seen[model] > 1:
            mode = Mode()
        if mode.name == "hang":
            await connection.pause(3600)
        if refused := refusal(mode, request.headers.get("authorization", "")):
            retry_after = {"retry-after": refused.retry_after} if refused.retry_after else None
            await connection.send(
                refused.body,
                status=refused.status,
                media_type=refused.media_type,
                headers=retry_after,
            )
            return True
        if request.path == "/v1/embeddings":
            await answer_embeddings(connection, request.body, self.dimensions, mode)
            return True
        reply = default_reply(request.body, mode) if self.reply is None else self.reply
        return await answer_chat(connection, request.body, reply, mode)


class FakeModel:
    """A running fake, seen from a test."""

    def __init__(self, server: FakeModelServer, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._server = server

    def requests(self) -> list[Recorded]:
        """What it was asked since it started or was reset, oldest first."""
        return list(self._server.recorded)

    def chats(self) -> list[Recorded]:
        """Its chat completions among them."""
        return [one for one in self.requests() if one.path == "/v1/chat/completions"]

    def script(self, reply: str | None) -> None:
        """What it says from now on; None: the default."""
        self._server.reply = reply

    def spoil(self, path: str, mode: str) -> None:
        """Let every model behave in a mode, at "/embeddings" or "/chat/completions"."""
        self._server.spoiled[f"/v1{path}"] = Mode.of(f"fake:{mode}")

    def reset(self) -> None:
        """Forget requests and script, and behave."""
        self._server.recorded.clear()
        self._server.spoiled.clear()
        self._server.seen.clear()
        self._server.reply = None


@contextmanager
def running_fake_model(*, dimensions: int = DIMENSIONS) -> Iterator[FakeModel]:
    """A fake on a free port, with an event loop and a thread of its own."""
    server = FakeModelServer(dimensions=dimensions)
    port = 0
    stop: asyncio.Event
    loop: asyncio.AbstractEventLoop
    is_up = threading.Event()

    async def run() -> None:
        nonlocal port, stop, loop
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        started: asyncio.Future[int] = loop.create_future()
        task = asyncio.create_task(server.serve(0, started))
        port = await started
        is_up.set()
        await stop.wait()
        task.cancel()
        await asyncio.wait({task})

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="fake model", daemon=True)
    thread.start()
    if not is_up.wait(timeout=10):
        raise RuntimeError("the fake model did not start")
    try:
        yield FakeModel(server, port)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _main(port: int, dimensions: int) -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(FakeModelServer(dimensions=dimensions).serve(port, started))
    print(f"http://127.0.0.1:{await started}/v1", flush=True)  # noqa: T201 - its one output
    await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A fake OpenAI-compatible model server.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, printed")
    parser.add_argument("--dimensions", type=int, default=DIMENSIONS)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(options.port, options.dimensions))
