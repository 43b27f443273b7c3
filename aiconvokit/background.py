"""What goes on beside a block of code."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from aiconvokit.database_faults import is_database_away

logger = logging.getLogger(__name__)


@asynccontextmanager
async def beside(endless: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Something that goes on as long as the block does; what breaks it is logged at once."""
    task = asyncio.create_task(endless, name=name)
    task.add_done_callback(_tell)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})  # and not `await`: its error must not take a shutdown's place


async def forever(name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> NoReturn:
    """Do some work, wait, and do it again, until cancelled.

    An Exception ends a round and never the loop. The first of several in a row is logged with its
    traceback, the others in a line; so is a database that is away, maybe for an hour.

    Args:
        name: what the work is, for the log.
        seconds: between the end of a round and the next.
        work: one round.
    """
    has_failed = False
    while True:
        try:
            await work()
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # a stop whose clean-up failed is a stop
                raise asyncio.CancelledError from error
            kind = type(error).__name__
            is_news = not has_failed and not is_database_away(error)
            logger.warning("%s failed: %s", name, kind, exc_info=is_news)
            has_failed = True
        else:
            has_failed = False
        await asyncio.sleep(seconds)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("Nobody does this any more: %s", task.get_name(), exc_info=error)
