"""What goes on beside a block of code."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

logger = logging.getLogger(__name__)


@asynccontextmanager
async def beside(endless: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Something that goes on as long as the block does; what broke it is logged at the end."""
    task = asyncio.create_task(endless, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})  # and not `await`: its error must not take a shutdown's place
        if not task.cancelled() and (error := task.exception()):
            logger.error("Nobody does this any more: %s", name, exc_info=error)
