"""Requests are counted in memory by portions, and hold across processes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from aiconvokit.accounts import request_rates
from aiconvokit.accounts.request_rates import PORTIONS, RequestRates
from aiconvokit.config import Settings
from aiconvokit.errors import Throttled
from aiconvokit.services import Services

RATE = 100
KEY = "requests:user:7"

Process = Callable[[], RequestRates]


async def nothing(*_: object) -> None:
    """What is counted."""


@pytest.fixture
def process(services: Services, monkeypatch: pytest.MonkeyPatch) -> Process:
    """Makes processes on one database, whose users may ask a hundred times a minute."""
    monkeypatch.setenv("AICONVOKIT_REQUESTS_PER_MINUTE", str(RATE))
    counted = replace(services, settings=Settings(rate_limits="on"))
    return lambda: RequestRates(nothing, counted)


async def let_in(rates: RequestRates, most: int, key: str = KEY) -> int:
    """How many of some requests are not refused."""
    for count in range(most):
        try:
            await rates.count(key)
        except Throttled:
            return count
    return most


async def test_a_minutes_requests_and_no_more(process: Process) -> None:
    rates = process()
    # The bucket fills while it is emptied: some requests more on a slow machine.
    assert RATE <= await let_in(rates, 2 * RATE) < 2 * RATE
    with pytest.raises(Throttled) as refused:
        await rates.count(KEY)
    assert refused.value.retry_after
    assert await let_in(rates, 10, "requests:user:8") == 10


async def test_two_processes_have_one_rate(process: Process) -> None:
    one, other = process(), process()
    assert await let_in(one, RATE // 2) == RATE // 2
    assert RATE // 2 - RATE // PORTIONS <= await let_in(other, RATE) < RATE


async def test_many_at_once_ask_the_database_in_turn(process: Process) -> None:
    rates = process()
    async with asyncio.TaskGroup() as together:
        for _ in range(RATE):
            together.create_task(rates.count(KEY))


async def test_a_portion_is_one_statement(process: Process, services: Services) -> None:
    seen: list[str] = []
    engine = services.sessions.kw["bind"].sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    await let_in(process(), RATE // PORTIONS)
    assert len([one for one in seen if "rate_bucket" in one]) == 1


async def test_who_is_refused_is_not_asked_for_again(process: Process, services: Services) -> None:
    rates = process()
    await let_in(rates, 2 * RATE)
    async with services.sessions.begin() as session:
        await session.execute(text("DELETE FROM rate_bucket"))  # it would be full again
    assert await let_in(rates, 1) == 0


async def test_what_is_known_in_memory_is_bounded(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_rates, "MOST_KNOWN", 3)
    rates = process()
    for number in range(10):
        await rates.count(f"requests:ip:{number}")
        assert len(rates._portions) <= 3  # nobody else sees it
