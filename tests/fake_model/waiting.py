"""For tests: wait for what happens in another thread or process."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 10.0


async def eventually(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; TimeoutError if it never does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody there can set an asyncio.Event
            await asyncio.sleep(0.01)
