"""So many answers of one user at once, over all processes on a database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from aiconvokit.accounts.streams import WIDGETS, Streams, TooManyStreams
from aiconvokit.config import Settings
from aiconvokit.services import Services

USER = 7
MOST = 2
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2"

Process = Callable[[], Streams]


@pytest.fixture
async def process(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """Makes processes on one database, whose users may have two answers at once."""
    monkeypatch.setenv("AICONVOKIT_STREAMS_PER_USER", str(MOST))
    few = replace(services, settings=Settings(rate_limits="on"))
    made: list[Streams] = []

    def make() -> Streams:
        made.append(Streams(few))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def held(services: Services) -> int:
    """Places of the user that are taken now, as the database has it."""
    with psycopg.connect(services.database_url) as connection:
        row = connection.execute(HELD, [USER]).fetchone()
    assert row is not None
    return int(row[0])


async def is_full(streams: Streams) -> bool:
    try:
        async with streams.taken(USER):
            return False
    except TooManyStreams:
        return True


async def test_the_limit_holds_over_processes(process: Process, services: Services) -> None:
    one, other = process(), process()
    async with one.taken(USER):
        assert not await is_full(one)
        async with other.taken(USER):
            assert await is_full(one)
            assert await is_full(other)
            async with one.taken(USER + 1), other.taken(USER, WIDGETS):
                pass
        assert not await is_full(other)
    assert held(services) == 0


async def test_a_process_that_dies_gives_its_places_back(process: Process) -> None:
    dead, alive = process(), process()
    async with AsyncExitStack() as stack:
        for _ in range(MOST):
            await stack.enter_async_context(dead.taken(USER))
        assert await is_full(alive)
        await dead.close()
        assert not await is_full(alive)


async def test_a_lost_connection_is_made_anew_with_its_places(
    process: Process, services: Services
) -> None:
    one, other = process(), process()
    async with one.taken(USER):
        with psycopg.connect(services.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND classid = %s",
                [USER],
            )
        async with one.taken(USER):
            assert held(services) == MOST
            assert await is_full(other)
    assert held(services) == 0


async def test_who_leaves_while_a_place_is_taken_has_none(
    process: Process, services: Services
) -> None:
    streams = process()

    async def asks() -> None:
        async with streams.taken(USER):
            await asyncio.Event().wait()

    for steps in range(12):  # cancelled at each of its waits
        task: asyncio.Task[Any] = asyncio.create_task(asks())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert held(services) == 0
    assert not await is_full(streams)


async def test_without_limits_nothing_is_opened(services: Services) -> None:
    free = Streams(replace(services, settings=Settings(rate_limits="off")))
    async with AsyncExitStack() as stack:
        for _ in range(50):
            await stack.enter_async_context(free.taken(USER))
        assert held(services) == 0
