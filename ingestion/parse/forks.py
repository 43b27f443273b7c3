"""Parsing children as forks of a server that has everything imported: see `fork_server`."""

import asyncio
import itertools
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ingestion.parse.children import ENVIRONMENT, Child
from ingestion.parse.registry import MODULES, module_of
from ingestion.parse.wire import ENDED, KILL, RECORD, START

IDLE_SECONDS = 60.0
"""After that without a file its memory is given back; starting it costs a second."""
RECEIVED_BYTES = 4_096
LOST = -9
"""How forks end when their server died: it takes them along."""
_MODULE = "ingestion.parse.fork_server"


@dataclass(slots=True)
class _Server:
    """A running server, and the ends of its forks that are waited for."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket
    ends: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    listening: asyncio.Task[None] | None = None

    def tell(self, what: bytes, number: int, parser: int = 0, fds: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.control, [RECORD.pack(what, number, parser)], fds)

    async def listen(self) -> None:
        """Take note of ends until the server is gone."""
        loop, heard = asyncio.get_running_loop(), b""
        try:
            with suppress(OSError):
                while block := await loop.sock_recv(self.control, RECEIVED_BYTES):
                    heard += block
                    while len(heard) >= RECORD.size:
                        what, number, code = RECORD.unpack(heard[: RECORD.size])
                        heard = heard[RECORD.size :]
                        if what == ENDED:
                            self._ended(number, code)
        finally:
            for number in list(self.ends):
                self._ended(number, LOST)

    def _ended(self, number: int, code: int) -> None:
        end = self.ends.pop(number, None)
        if end is not None and not end.done():
            end.set_result(code)


class Forks:
    """Forks of one server, which is started for the first file and ended when none comes."""

    def __init__(self) -> None:
        self._server: _Server | None = None
        self._numbers = itertools.count(1)
        self._idle: asyncio.TimerHandle | None = None
        self._end: Callable[[], object] = lambda: None

    async def start(self, media_type: str) -> Child:
        """A child that waits for its request; the server has imported what reads the type."""
        server = self._running()
        number = next(self._numbers)
        talk, theirs = socket.socketpair()
        complaints, their_stderr = socket.socketpair()
        with theirs, their_stderr:
            server.ends[number] = asyncio.get_running_loop().create_future()
            parser = MODULES.index(module_of(media_type))
            server.tell(START, number, parser, (theirs.fileno(), their_stderr.fileno()))
        return _Fork(
            self,
            server,
            number,
            await asyncio.open_unix_connection(sock=talk),
            await asyncio.open_unix_connection(sock=complaints),
        )

    def close(self) -> None:
        """End the server, and with it every fork."""
        if self._idle is not None:
            self._idle.cancel()
        if self._server is not None:
            if self._server.listening is not None:
                self._server.listening.cancel()
            self._server = None
            self._end()

    def _running(self) -> _Server:
        if self._idle is not None:
            self._idle.cancel()
        if self._server is not None and self._server.process.poll() is not None:
            self.close()
        if self._server is None:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)  # noqa: FBT003 - its only spelling
            with theirs:
                process = subprocess.Popen(  # noqa: S603  # our own module
                    [sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=ENVIRONMENT,
                    start_new_session=True,
                )
            self._end = weakref.finalize(self, _end, process, ours)
            self._server = _Server(process, ours)
            self._server.listening = asyncio.create_task(self._server.listen())
        return self._server

    def rest(self) -> None:
        """A fork ended; without others the server ends soon."""
        if self._server is not None and not self._server.ends:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(IDLE_SECONDS, self.close)


def _end(process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
    """Also of a server that nobody closed, once nobody can use it any more."""
    control.close()
    process.kill()
    process.wait()


class _Fork:
    """A child by its number; the server kills it and tells of its end."""

    def __init__(
        self,
        forks: Forks,
        server: _Server,
        number: int,
        talk: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        complaints: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._forks = forks
        self._server = server
        self._number = number
        self._end = server.ends[number]
        self.stdout, self.stdin = talk
        self.stderr, self._unused = complaints

    def kill(self) -> None:
        if not self._end.done():
            with suppress(OSError):  # the server is gone, and took it along
                self._server.tell(KILL, self._number)

    async def wait(self) -> int:
        code = await asyncio.shield(self._end)
        self.stdin.close()
        self._unused.close()
        self._forks.rest()
        return code
