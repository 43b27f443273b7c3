"""A chat completion as a stream: `data:` lines without names, and `[DONE]` at the end."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from aiconvokit.errors import AIConvoKitError
from aiconvokit.ids import public_id
from aiconvokit.openai_api.completions.body import ChatBody
from aiconvokit.openai_api.completions.reply import Piece, Reply
from aiconvokit.openai_api.completions.schemas import finish_reason
from aiconvokit.openai_api.completions.sources import source_event
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openai_errors import error_body
from aiconvokit.rest.problems import as_ours

FIRST_PIECE_SECONDS = 10.0
"""How long a stream's first piece is waited for, so that an error has a status of its own; then the
stream begins without it, before a proxy believes that nothing comes."""

DONE = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


def _line(data: object) -> bytes:
    """JSON holds no line break."""
    return b"data: %b\n\n" % _encode(data)


def failed(problem: AIConvoKitError) -> bytes:
    """The last line of a stream that came to no end."""
    return _line(error_body(problem))


async def first_piece(pieces: AsyncGenerator[Piece]) -> asyncio.Task[Piece | None]:
    """The first piece, or whoever waits for it.

    Raises:
        Exception: what went wrong before there was any.
    """
    task = asyncio.create_task(_next(pieces))
    try:
        await asyncio.wait({task}, timeout=FIRST_PIECE_SECONDS)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if task.done():
        task.result()
    return task


async def _next(pieces: AsyncGenerator[Piece]) -> Piece | None:
    return await anext(pieces, None)


async def told(
    request: ApiRequest,
    body: ChatBody,
    reply: Reply,
    first: asyncio.Task[Piece | None],
    rest: AsyncGenerator[Piece],
) -> AsyncGenerator[bytes]:
    """An answer piece by piece; what goes wrong on the way is the last line."""
    lines = _Lines(body, reply)
    try:
        async with aclosing(rest):
            yield lines.delta({"role": "assistant", "content": ""})
            if (piece := await first) is not None:
                yield lines.piece(piece)
            async for piece in rest:
                yield lines.piece(piece)
        yield lines.end()
        if body.includes_usage:
            yield _line({**lines.common(), "choices": [], "usage": await reply.usage()})
        yield DONE
    except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with a word on it
        yield failed(as_ours(request, error))


class _Lines:
    def __init__(self, body: ChatBody, reply: Reply) -> None:
        self._reply = reply
        self._annotated = 0
        self._common = {
            "id": public_id("chatcmpl"),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body.model,
        }
        if body.includes_usage:
            self._common["usage"] = None

    def common(self) -> dict[str, Any]:
        """What every chunk says."""
        if self._reply.work.thread_id is None:
            return self._common
        ids = {"thread_id": self._reply.work.thread_id, "message_id": self._reply.message_id}
        return {**self._common, **ids}

    def delta(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        return _line(self._chunk(delta, reason))

    def piece(self, piece: Piece) -> bytes:
        if piece.calls:
            calls = [
                {"index": index, **msgspec.to_builtins(one)}
                for index, one in enumerate(piece.calls)
            ]
            return self.delta({"tool_calls": calls})
        delta: dict[str, Any] = {"content": piece.text}
        if piece.annotations:
            # the official client puts lists together by `index`, and fails where there is none
            begin = self._annotated
            self._annotated += len(piece.annotations)
            delta["annotations"] = [
                {"index": index, **msgspec.to_builtins(one)}
                for index, one in enumerate(piece.annotations, start=begin)
            ]
        chunk = self._chunk(delta, None)
        return _line({**chunk, "event": source_event(piece.sources)} if piece.sources else chunk)

    def end(self) -> bytes:
        reply = self._reply
        chunk = self._chunk({}, finish_reason(reply.work.answer.finish_reason))
        return _line({**chunk, "citations": reply.citations()})

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self.common(), "choices": [choice]}
