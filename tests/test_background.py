"""What goes on beside a block, and what is said when it does not go on."""

import asyncio
from collections.abc import Callable

import psycopg
import pytest

from aiconvokit.background import beside, forever


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.01)


async def test_what_breaks_is_told_at_once_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks() -> None:
        raise LookupError("key")

    async with beside(breaks(), "look for keys"):
        await until(lambda: bool(caplog.records))
        assert caplog.messages == ["Nobody does this any more: look for keys"]
        assert "LookupError: key" in caplog.text
    assert len(caplog.records) == 1


async def test_what_breaks_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("key")

    async with beside(breaks(), "look for keys"):
        await asyncio.sleep(0)
    assert caplog.messages == ["Nobody does this any more: look for keys"]


class Rounds:
    """Work that fails in some of its rounds."""

    def __init__(self, *failures: Exception | None) -> None:
        self.count = 0
        self._failures = failures

    async def work(self) -> None:
        self.count += 1
        if self.count <= len(self._failures) and (failure := self._failures[self.count - 1]):
            raise failure


async def test_a_database_that_is_away_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    rounds = Rounds(psycopg.OperationalError("connection refused"))
    async with beside(forever("counting", 0, rounds.work), "count"):
        await until(lambda: rounds.count > 1)
    assert caplog.messages == ["counting failed: OperationalError"]
    assert "Traceback" not in caplog.text


async def test_a_round_that_fails_is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rounds = Rounds(None, OSError("away"), OSError("away"), None, LookupError("key"))
    async with beside(forever("counting", 0, rounds.work), "count"):
        await until(lambda: rounds.count > 6)
    assert [(one.getMessage(), bool(one.exc_info)) for one in caplog.records] == [
        ("counting failed: OSError", True),
        ("counting failed: OSError", False),
        ("counting failed: LookupError", True),
    ]


async def test_a_stop_whose_clean_up_fails_is_a_stop() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            raise OSError("the connection was gone already")

    async with asyncio.timeout(10), beside(forever("waiting", 0, work), "wait"):
        await begun.wait()
