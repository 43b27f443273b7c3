"""Answers in work that must end: who asked for them may not ask any more.

Whoever finds out who asks (`accounts.dismissal`) leaves in the request's scope how that is heard
of; what sends an answer listens for as long as it does.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

from litestar.types import Scope

from aiconvokit.errors import AIConvoKitError

T = TypeVar("T")
Ending = asyncio.Future[AIConvoKitError]
"""Comes to the reason for which an answer ends; to nothing where there is none."""
Watch = Callable[[], AbstractContextManager[Ending]]

_WATCH = "aiconvokit_watch"


def watch_by(scope: Scope, watch: Watch) -> None:
    """Say how it is heard of that a request's answer must end."""
    cast("dict[str, object]", scope)[_WATCH] = watch  # our own key beside ASGI's


def watched(scope: Scope) -> AbstractContextManager[Ending]:
    """The ending of a request's answer, which may come within the block."""
    watch = cast("Watch | None", scope.get(_WATCH))
    return watch() if watch else nullcontext(asyncio.get_running_loop().create_future())


async def unless_ended(scope: Scope, work: Coroutine[Any, Any, T]) -> T:
    """The work's result; the work is cancelled when who asks may not ask any more.

    Raises:
        NotAuthenticated: that is so.
    """
    task = asyncio.create_task(work)
    try:
        with watched(scope) as ending:
            parts: set[asyncio.Future[Any]] = {task, ending}
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.wait({task})
    if task.cancelled():
        raise ending.result()
    return task.result()
