"""Answers that are being written at once: so many of one user, over all processes.

A place is an advisory lock in Postgres. One connection of the process holds those of all its
answers, so a process that dies gives its places back with its connection, and no answer holds a
connection of a pool. Taking a place and giving it back are a small statement each: together half
a millisecond of CPU, a twentieth of a turn's.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import psycopg

from aiconvokit.accounts import quotas
from aiconvokit.db import (
    CONNECT_SECONDS,
    SESSION_OPTIONS,
    TCP_TIMEOUT_MS,
    Transaction,
    libpq_url,
)
from aiconvokit.errors import Throttled
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services

USERS, WIDGETS = 0, 1
"""Whose places: a user's own, and those of a widget's visitors, so that a busy site keeps its owner
from nothing."""
RETRY_SECONDS = 5.0
"""Nobody knows when the first of the answers ends; as a rule it takes as long."""

_SPACE = 0x57_00_00_00
"""Of locks with two keys (those with one are other ones): the second key says that it is ours."""
_WIDEST = 1 << 20
_MOST_ID = 1 << 31
# The first that is free, and no lock beyond it: the rows come one by one. The connection's own
# would be locked once more.
_TAKE = """
SELECT key FROM generate_series(%s::int, %s::int) AS key
WHERE key <> ALL(%s::int[]) AND pg_try_advisory_lock(%s::int, key) LIMIT 1
"""
_GIVE_BACK = "SELECT pg_advisory_unlock(%s::int, %s::int)"

Keys = tuple[int, int, list[int]]
"""From the first to the last of them, but for those that this process has."""

logger = logging.getLogger(__name__)


class TooManyStreams(Throttled):
    """So many answers of one user are being written that another one must wait."""

    code = "too_many_streams"
    is_addition = True

    def __init__(self, most: int) -> None:
        super().__init__(RETRY_SECONDS)
        self.detail = f"{most} answers are being written for this account. Wait for one of them."


class Streams:
    """The answers that this process writes."""

    def __init__(self, services: Services) -> None:
        """Take whose database holds the places; nothing is opened before the first answer."""
        self._services = services
        self._connection: Transaction | None = None
        self._held: dict[int, set[int]] = {}
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, row_id: int, kind: int = USERS) -> AsyncIterator[None]:
        """Have one of a user's places, or of a widget's, as long as the block runs.

        With AICONVOKIT_LIMITS=off there are as many as anybody wants.

        Raises:
            TooManyStreams: all are taken.
        """
        if self._services.settings.rate_limits == "off":
            yield
            return
        # A task of its own: whoever leaves while it runs must not leave a lock behind.
        taking = asyncio.create_task(self._take(row_id % _MOST_ID, kind))
        try:
            await asyncio.shield(taking)
            yield
        finally:
            await asyncio.shield(self._give_back(row_id % _MOST_ID, taking))

    async def close(self) -> None:
        """Give everything back."""
        if self._connection is not None:
            await self._connection.close()

    async def _take(self, row_id: int, kind: int) -> int:
        most = self._services.settings.limits.streams_per_user
        first = _SPACE + kind * _WIDEST
        async with self._turn:
            held = self._held.get(row_id, set())
            key = await self._lock(row_id, (first, first + most - 1, list(held)))
            if key is None:
                raise TooManyStreams(most)
            self._held.setdefault(row_id, set()).add(key)
        return key

    async def _lock(self, row_id: int, among: Keys) -> int | None:
        """Lock one of some keys; the connection is made anew where the database was away."""
        if self._connection is not None:
            try:
                return await _first(self._connection, row_id, among)
            except psycopg.OperationalError:
                await self._connection.close()
        self._connection = await self._connected()
        return await _first(self._connection, row_id, among)

    async def _connected(self) -> Transaction:
        """A connection that holds all places of answers in work, as far as they are free."""
        connection = await psycopg.AsyncConnection.connect(
            libpq_url(self._services.database_url),
            options=SESSION_OPTIONS,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=TCP_TIMEOUT_MS,
        )
        for row_id, keys in self._held.items():
            for key in keys:
                await _first(connection, row_id, (key, key, []))
        return connection

    async def _give_back(self, row_id: int, taking: asyncio.Task[int]) -> None:
        await asyncio.wait({taking})
        if taking.exception() is not None:
            return
        key = taking.result()
        async with self._turn:
            held = self._held[row_id]
            held.discard(key)
            if not held:
                del self._held[row_id]
            if self._connection is None or self._connection.closed:
                return
            try:
                await self._connection.execute(_GIVE_BACK, (row_id, key))
            except psycopg.OperationalError:  # its locks are gone with it
                logger.warning("The connection that counts answers was lost")
                await self._connection.close()


async def _first(connection: Transaction, row_id: int, among: Keys) -> int | None:
    row = await (await connection.execute(_TAKE, (*among, row_id))).fetchone()
    return cast("int", row[0]) if row else None


def streams_of(request: ApiRequest) -> Streams:
    """Those of the process that a request came to."""
    return cast("Streams", request.app.state.streams)


@asynccontextmanager
async def answering(request: ApiRequest, services: Services, user_id: int) -> AsyncIterator[None]:
    """Around an answer to a user: there are tokens left for it, and a place.

    Raises:
        TokensSpent: today's are used up.
        TooManyStreams: as many are being written as may be.
    """
    await quotas.check_tokens(services, user_id)
    async with streams_of(request).taken(user_id):
        yield
