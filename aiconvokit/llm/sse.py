"""Server-sent events as model servers send them.

The official client's own stream hides `[DONE]`, and without it an answer that broke off cannot be
told from one that ended without a finish reason (Ollama). Its byte stream is read here instead.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

import httpx2

DONE = "[DONE]"
LONGEST_LINE = 4 * 1024 * 1024
"""A line beyond that is no token; without a bound it would fill the memory."""
_DRAIN_SECONDS = 0.1


async def data_lines(body: AsyncIterator[bytes], deadline: float) -> AsyncGenerator[str]:
    """Yield the payload of each `data:` line; ends after `[DONE]` or with the body.

    Lines end at a newline only: a JSON text may hold U+2028 and others that `splitlines` cuts at.

    Args:
        body: the bytes as they come.
        deadline: when the last of them must have come, on the event loop's clock.

    Raises:
        TimeoutError: the deadline passed.
        ValueError: a line is too long.
    """
    rest = b""
    while True:
        async with asyncio.timeout_at(deadline):
            piece = await anext(body, None)
        if piece is None:
            break
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise ValueError("a line of the stream is too long")
        for payload in filter(None, map(_payload, lines)):
            yield payload
            if payload == DONE:
                await _drain(body)
                return
    if payload := _payload(rest):
        yield payload


def _payload(line: bytes) -> str:
    if not line.startswith(b"data:"):
        return ""
    return line.removeprefix(b"data:").strip().decode("utf-8", errors="replace")


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read the end of the body, so that the connection can serve the next request."""
    with suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in body:
                pass
