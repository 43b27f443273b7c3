"""Server-sent events as model servers send them.

The official client's own stream hides `[DONE]`, and without it an answer that broke off cannot be
told from one that ended without a finish reason (Ollama). Its byte stream is read here instead.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import httpx2

DONE = b"[DONE]"
LONGEST_LINE = 4 * 1024 * 1024
"""A line beyond that is no token; without a bound it would fill the memory."""
_DRAIN_SECONDS = 0.1


async def arrivals(body: AsyncIterator[bytes], deadline: float) -> AsyncGenerator[list[bytes]]:
    """Yield the payloads of the `data:` lines, all at once that came at once.

    Ends after `[DONE]` or with the body. A body that is one JSON object, from a server that does
    not stream, is one payload. Lines end at a newline only: a JSON text may hold U+2028 and others
    that `splitlines` cuts at.

    Args:
        body: the bytes as they come.
        deadline: when the last of them must have come, on the event loop's clock.

    Raises:
        TimeoutError: the deadline passed.
        ValueError: a line is too long.
    """
    rest = b""
    is_whole = False
    while (piece := await _next(body, deadline)) is not None:
        rest += piece
        is_whole = is_whole or rest.lstrip()[:1] == b"{"
        if len(rest) > LONGEST_LINE:
            raise ValueError("a line of the stream is too long")
        if is_whole or b"\n" not in piece:
            continue
        *lines, rest = rest.split(b"\n")
        payloads = [payload for line in lines if line and (payload := _payload(line))]
        if payloads:
            yield payloads
        if DONE in payloads:
            await _drain(body)
            return
    if payload := rest if is_whole else _payload(rest):
        yield [payload]


async def _next(body: AsyncIterator[bytes], deadline: float) -> bytes | None:
    async with asyncio.timeout_at(deadline):
        return await anext(body, None)


def _payload(line: bytes) -> bytes:
    return line[len(b"data:") :].strip() if line.startswith(b"data:") else b""


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read the end of the body, so that the connection can serve the next request."""
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass
