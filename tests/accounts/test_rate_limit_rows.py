"""Buckets that nobody takes from any more do not stay."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text

from aiconvokit import rate_limit
from aiconvokit.accounts import throttle
from aiconvokit.config import Limits
from aiconvokit.db import Sessions, create_engine, create_sessions
from aiconvokit.errors import Throttled
from aiconvokit.services import Services


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = create_engine(database_url, pool_size=4)
    yield create_sessions(engine)
    await engine.dispose()


async def put(sessions: Sessions, **hours: float) -> None:
    """Buckets that were last taken from so many hours ago, all empty."""
    async with sessions.begin() as session:
        for key, ago in hours.items():
            await session.execute(
                text(
                    "INSERT INTO rate_bucket (key, level, updated_at)"
                    " VALUES (:key, 0, now() - make_interval(secs => :seconds))"
                ),
                {"key": key, "seconds": ago * 3_600},
            )


async def kept(sessions: Sessions) -> set[str]:
    async with sessions() as session:
        return set(await session.scalars(text("SELECT key FROM rate_bucket")))


async def is_waiting(sessions: Sessions) -> bool:
    """Whether somebody waits for a lock; each look is a transaction of its own."""
    waits = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')")
    async with sessions() as session:
        return bool(await session.scalar(waits))


def services(sessions: Sessions, **limits: int) -> Services:
    """Only what throttling looks at."""
    settings = SimpleNamespace(limits=Limits(**limits), rate_limits="on")
    return cast("Services", SimpleNamespace(sessions=sessions, settings=settings))


async def swept(sessions: Sessions, **limits: int) -> set[str]:
    async with sessions.begin() as session:
        await rate_limit.sweep(session, throttle.full_after(services(sessions, **limits)))
    return await kept(sessions)


async def test_what_is_full_again_goes(sessions: Sessions) -> None:
    await put(sessions, now=0, today=23, yesterday=25, old=10_000)
    assert await swept(sessions) == {"now", "today"}
    assert await swept(sessions) == {"now", "today"}


async def test_a_bucket_that_fills_slowly_stays_until_it_is_full(sessions: Sessions) -> None:
    await put(sessions, yesterday=25, older=51)
    assert await swept(sessions, login_burst=3_000) == {"yesterday"}


async def test_a_row_that_somebody_holds_is_left_and_nobody_waits(sessions: Sessions) -> None:
    await put(sessions, held=48, free=48)
    async with sessions.begin() as other:
        await other.execute(text("SELECT FROM rate_bucket WHERE key = 'held' FOR UPDATE"))
        assert await swept(sessions) == {"held"}
    assert await swept(sessions) == set()


async def test_many_go_in_several_steps(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "SWEPT", 10)
    await put(sessions, **{f"k{number}": 48.0 for number in range(35)})
    async with sessions.begin() as session:
        assert await rate_limit.sweep(session, throttle.full_after(services(sessions))) == 10
    assert len(await kept(sessions)) == 25
    await throttle.sweep_once(services(sessions))
    assert await kept(sessions) == set()


async def test_a_swept_bucket_is_a_full_one(sessions: Sessions) -> None:
    await put(sessions, door=48)
    assert await swept(sessions) == set()
    for _ in range(2):
        async with sessions.begin() as session:
            await rate_limit.take(session, "door", burst=2, per_minute=1)
    with pytest.raises(Throttled):
        async with sessions.begin() as session:
            await rate_limit.take(session, "door", burst=2, per_minute=1)


async def test_it_goes_on_for_ever_and_over_a_database_that_is_away(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(throttle, "SWEEP_SECONDS", 0.01)
    engine = create_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    known = services(sessions)
    away = SimpleNamespace(sessions=create_sessions(engine), settings=known.settings)
    task = asyncio.create_task(throttle.sweep_buckets(cast("Services", away)))
    while "Sweeping rate limits failed" not in caplog.text:  # noqa: ASYNC110 - no event there
        await asyncio.sleep(0.01)
    assert not task.done()
    away.sessions = sessions
    for key in ("one", "two"):
        await put(sessions, **{key: 48})
        while await kept(sessions):  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    await engine.dispose()


async def test_two_first_requests_of_one_address_are_both_let_in(sessions: Sessions) -> None:
    async with sessions.begin() as first:
        await rate_limit.take(first, "door", burst=3, per_minute=1)

        async def take() -> None:
            async with sessions.begin() as other:
                await rate_limit.take(other, "door", burst=3, per_minute=1)

        second = asyncio.create_task(take())
        while not await is_waiting(sessions):  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.01)
    await second
    await take()
    with pytest.raises(Throttled) as caught:
        await take()
    assert 50 < (caught.value.retry_after or 0) <= 60


async def test_asking_again_does_not_make_it_longer(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await rate_limit.take(session, "door", burst=1, per_minute=0.001)
        waits = []
        for _ in range(3):
            with pytest.raises(Throttled) as caught:
                await rate_limit.take(session, "door", burst=1, per_minute=0.001)
            waits.append(caught.value.retry_after)
    assert waits == [60_000.0] * 3
    async with sessions.begin() as session:
        ago = "UPDATE rate_bucket SET updated_at = now() - interval '30000 s'"
        await session.execute(text(ago))
        with pytest.raises(Throttled) as caught:
            await rate_limit.take(session, "door", burst=1, per_minute=0.001)
        assert caught.value.retry_after == pytest.approx(30_000, abs=5)
