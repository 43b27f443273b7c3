"""The database's figures, read when somebody asks, and not more often than it is worth."""

import asyncio
import time

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.operations.metrics.queries import Reading, read
from aiconvokit.services import Services

KEPT_SECONDS = 5.0
"""Several scrapers cost no more than one."""
PATIENCE_SECONDS = 2.0
"""A scrape waits no longer; what the process counted itself it has to tell all the same."""
LONGEST_SECONDS = 30.0
"""After that nobody cares for the answer; until then it may be the next scrape's."""


class Readings:
    """One at a time, shared by all who ask meanwhile."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._reading: asyncio.Task[Reading | None] | None = None
        self._last: Reading | None = None
        self._read_at: float | None = None

    async def now(self) -> Reading | None:
        """What the database says now, or said a moment ago; None: it does not answer."""
        if self._read_at is not None and time.monotonic() - self._read_at < KEPT_SECONDS:
            return self._last
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="read figures")
        await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
        return self._reading.result() if self._reading.done() else None

    async def _read(self) -> Reading | None:
        found = None
        try:
            async with (
                asyncio.timeout(LONGEST_SECONDS),
                self._services.owner_sessions() as session,
            ):
                found = await read(session)
        except (SQLAlchemyError, OSError):  # TimeoutError is one; its absence is what is told
            pass
        self._last, self._read_at = found, time.monotonic()
        return found
