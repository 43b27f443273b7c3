"""Parsing children as forks of a server that has everything imported: see `fork_server`."""

import asyncio
import itertools
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
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

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class _Server:
    """A running server, and the ends of its forks that are waited for."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket
    ends: dict[int, asyncio.Future[int]] = field(default_factory=dict)
    listening: asyncio.Task[None] | None = None

    def tell(self, what: bytes, number: int, parser: int = 0, fds: tuple[int, ...] = ()) -> None:
        socket.send_fds(self.control, [RECORD.pack(what, number, parser)], fds)

    def expect(self, number: int) -> asyncio.Future[int]:
        """The end of a fork, which is to be told of."""
        end = self.ends[number] = asyncio.get_running_loop().create_future()
        return end

    def kill(self, number: int) -> None:
        with suppress(OSError):  # the server is gone, and took its forks along
            self.tell(KILL, number)

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
        """A child that waits for its request; the server has imported what reads the type.

        Raises:
            OSError: there are no sockets or processes left, or the server just died.
        """
        server, number = self._running(), next(self._numbers)
        parser = MODULES.index(module_of(media_type))
        with ExitStack() as undo:
            undo.callback(self._forget, server, number)
            with ExitStack() as theirs:
                talk, stdio = _pair(undo, theirs)
                complaints, stderr = _pair(undo, theirs)
                end = server.expect(number)
                server.tell(START, number, parser, (stdio.fileno(), stderr.fileno()))
            ours = (await _streams(talk, undo), await _streams(complaints, undo))
            undo.pop_all()
        return _Fork(self, server, number, end, *ours)

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
            self._server = _launched()
            self._end = weakref.finalize(self, _end, self._server.process, self._server.control)
            self._server.listening = asyncio.create_task(self._server.listen())
        return self._server

    def _forget(self, server: _Server, number: int) -> None:
        """Nobody waits for a fork that was begun."""
        server.kill(number)
        server.ends.pop(number, None)
        self.rest()

    def rest(self) -> None:
        """A fork ended; without others the server ends soon. May be said twice of a fork."""
        if self._idle is not None:
            self._idle.cancel()
        if self._server is not None and not self._server.ends:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(IDLE_SECONDS, self.close)


def _launched() -> _Server:
    """A server that is still importing; what it is told meanwhile waits in its socket."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - its only spelling
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603  # our own module
                [sys.executable, "-I", "-m", _MODULE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
    return _Server(process, ours)


def _end(process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
    """Also of a server that nobody closed, once nobody can use it any more."""
    control.close()
    process.kill()
    process.wait()


def _pair(ours: ExitStack, theirs: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Two ends of a line, each to be closed with its side."""
    one, other = socket.socketpair()
    return ours.enter_context(one), theirs.enter_context(other)


async def _streams(one: socket.socket, undo: ExitStack) -> Streams:
    reader, writer = await asyncio.open_unix_connection(sock=one)
    undo.callback(writer.close)
    return reader, writer


class _Fork:
    """A child by its number; the server kills it and tells of its end."""

    def __init__(
        self,
        forks: Forks,
        server: _Server,
        number: int,
        end: asyncio.Future[int],
        talk: Streams,
        complaints: Streams,
    ) -> None:
        self._forks = forks
        self._server = server
        self._number = number
        self._end = end
        self.stdout, self.stdin = talk
        self.stderr, self._unused = complaints

    def kill(self) -> None:
        if not self._end.done():
            self._server.kill(self._number)

    async def wait(self) -> int:
        code = await asyncio.shield(self._end)
        self.stdin.close()
        self._unused.close()
        self._forks.rest()
        return code
