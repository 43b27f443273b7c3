"""What this process reads just now, stopped as soon as nobody wants it any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiconvokit.background import forever
from aiconvokit.db import Sessions
from ingestion import store
from ingestion.store import Target, Version

LOOK_SECONDS = 1.0
"""One small statement for all documents in work, while there are any."""


class InWork:
    """Documents in work; `watch` runs beside them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: dict[Version, asyncio.Task[None]] = {}
        self._stopped: set[asyncio.Task[None]] = set()

    async def finish(self, target: Target, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work on a version; False: it was stopped, because the version is not wanted."""
        task = asyncio.create_task(work, name=f"document {target.document_id}")
        key = (target.document_id, target.version)
        self._tasks[key] = task
        try:
            await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if task not in self._stopped or (current is not None and current.cancelling()):
                raise
            return False
        finally:
            del self._tasks[key]
            self._stopped.discard(task)
        return True

    async def watch(self) -> None:
        """Stop what is deleted, replaced or cancelled, until cancelled itself."""
        await forever("Looking for what is not wanted", LOOK_SECONDS, self._look)

    async def _look(self) -> None:
        if not self._tasks:
            return
        async with self._sessions.begin() as session:
            gone = await store.not_wanted(session, list(self._tasks))
        for key in gone:
            if (task := self._tasks.get(key)) is not None:
                self._stopped.add(task)
                task.cancel()
