"""Whose texts go to an embedder next, and how many requests are under way at once.

One line for each owner, served in turns: who has many documents in work keeps nobody else waiting
for more than one request. The number of requests follows the server: one more for every round in
which answers came as fast as before, one fewer where they became slower, half after a failure that
may come of too many. Times are seconds a token, of full requests only: those of a document's last,
small request are mostly the way there and back.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FEWEST = 2
"""One computes while the next is on its way; more only queue up in a server that takes one at a
time."""
MOST = 16
"""What servers that take many answer side by side; beyond it, the rate limits of most are hit."""
HOLDS = 1.3
"""Answers that took up to so many times the shortest are as fast as before: networks differ."""
SLOWER = 2.0
FORGET = 1.02
"""What was seen once is believed a little less with every answer: texts and servers change."""
FULL = 0.8
"""Of the largest request: even if an answer took as long whatever it is asked, the time a token of
such a request would be within HOLDS."""
OF_ITS_TEXT = "input_too_long"
"""Code of a refusal that a server without any work would give, too."""


class Turns:
    """Turns at one embedder for all documents of a process."""

    def __init__(self) -> None:
        self.limit = float(FEWEST)
        self._under_way = 0
        self._lines: dict[int, deque[asyncio.Future[None]]] = {}
        self._largest = 0.0
        self._shortest: float | None = None
        self._halved_at = 0.0

    @asynccontextmanager
    async def taken(self, owner_id: int, tokens: int) -> AsyncIterator[None]:
        """An owner's turn, waited for; the block is one request of so many tokens.

        What the block raises is a failure of the request, and passed on.
        """
        await self._enter(owner_id)
        began = time.monotonic()
        try:
            yield
        except Exception as error:
            if getattr(error, "code", None) != OF_ITS_TEXT:
                self._halve(began)
            raise
        else:
            if self._is_full(tokens):
                self._adapt((time.monotonic() - began) / max(1, tokens))
        finally:
            self._under_way -= 1
            self._wake()

    async def _enter(self, owner_id: int) -> None:
        if self._under_way < int(self.limit) and not self._lines:
            self._under_way += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(owner_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came in the same moment: pass it on
                self._under_way -= 1
                self._wake()
            raise

    def _wake(self) -> None:
        """Give free turns to the owners in turn."""
        while self._lines and self._under_way < int(self.limit):
            owner_id, line = next(iter(self._lines.items()))
            del self._lines[owner_id]
            turn = line.popleft()
            if line:
                self._lines[owner_id] = line  # behind the others
            if not turn.done():  # who gave up waiting is passed over
                turn.set_result(None)
                self._under_way += 1

    def _is_full(self, tokens: int) -> bool:
        self._largest = max(tokens, self._largest / FORGET)
        return tokens >= FULL * self._largest

    def _adapt(self, seconds: float) -> None:
        """Take note of an answer; `seconds` a token."""
        shortest = seconds if self._shortest is None else min(seconds, self._shortest * FORGET)
        self._shortest = shortest
        if seconds <= HOLDS * shortest:
            self.limit = min(MOST, self.limit + 1 / self.limit)
        elif seconds > SLOWER * shortest:
            self.limit = max(FEWEST, self.limit - 1 / self.limit)

    def _halve(self, began: float) -> None:
        """Once for all requests that were under way together."""
        if began >= self._halved_at:
            self.limit = max(FEWEST, self.limit / 2)
            self._halved_at = time.monotonic()
