"""Whose page is drawn next: one at a time for everybody, and a line of those who wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiconvokit.errors import Throttled

MOST_WAITING = 20
"""Of one asker's, beside the one in work: two seconds of real pages. A page shows one, with its
marks."""

RETRY_SECONDS = 2.0
"""Until a line of that length is gone."""


@dataclass(slots=True)
class _Line:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    people: int = 0
    """Those who wait, and the one whose turn it is."""


class Turns:
    """Lines by asker: who asks for fifty pages takes one child, and others have theirs."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        """How many askers have something in work, or wait."""
        return len(self._lines)

    @asynccontextmanager
    async def taken(self, whose: str) -> AsyncIterator[None]:
        """An asker's turn, waited for.

        Raises:
            Throttled: too many of the asker's wait already.
        """
        line = self._lines.setdefault(whose, _Line())
        if line.people > MOST_WAITING:
            raise Throttled(RETRY_SECONDS)
        line.people += 1
        try:
            async with line.turn:
                yield
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[whose]
