"""What happens to a key when its attempt does not end well."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from aiconvokit.accounts import idempotency_store as store
from aiconvokit.accounts import queries
from aiconvokit.accounts.idempotency import Attempt, KeyInUse
from aiconvokit.accounts.tables import UsageDay
from aiconvokit.db import Sessions, create_engine, create_sessions
from ingestion.store import driver_connection

LONGEST = timedelta(minutes=3)
ASSISTANT = 7
ANSWER = ["done"]


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    engine = create_engine(database_url, pool_size=4)
    yield create_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def ann(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        user = await queries.insert_user(session, "ann", "", "x")
    assert user is not None
    return user.id


async def begun(sessions: Sessions, owner: int, longest: timedelta = LONGEST) -> Attempt:
    async with sessions.begin() as session:
        held = await store.take(session, owner, "key", b"fingerprint", longest)
    assert held is not None
    return Attempt(sessions, _held=held)


async def status(sessions: Sessions, owner: int) -> int | str | None:
    """Of the key: its answer's, None in work, or that it is free."""
    async with sessions() as session:
        found = await store.find(session, owner, "key")
    return "free" if found is None else found.status


async def test_a_cancelled_attempt_lets_go(sessions: Sessions, ann: int) -> None:
    attempt, is_in = await begun(sessions, ann), asyncio.Event()

    async def work() -> None:
        async with attempt:
            is_in.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await is_in.wait()
    assert await status(sessions, ann) is None
    task.cancel()
    await asyncio.wait({task})
    assert await status(sessions, ann) == "free"


async def test_an_answer_that_was_not_committed_is_not_kept(sessions: Sessions, ann: int) -> None:
    async def work() -> None:
        async with await begun(sessions, ann) as attempt, sessions.begin() as session:
            await attempt.keep(await driver_connection(session), ANSWER, assistant_id=ASSISTANT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await status(sessions, ann) == "free"


async def test_an_answer_that_was_committed_stays(sessions: Sessions, ann: int) -> None:
    async def work() -> None:
        async with await begun(sessions, ann) as attempt:
            async with sessions.begin() as session:
                await attempt.keep(
                    await driver_connection(session), ANSWER, assistant_id=ASSISTANT, status=200
                )
            raise ZeroDivisionError  # what comes after the commit, such as tidying up

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await status(sessions, ann) == 200


async def test_who_was_too_slow_leaves_nothing_behind(sessions: Sessions, ann: int) -> None:
    slow = await begun(sessions, ann)
    fast = await begun(sessions, ann, longest=timedelta(0))

    async def work() -> None:
        async with slow, sessions.begin() as session:
            await queries.add_usage(
                await driver_connection(session),
                ann,
                ASSISTANT,
                prompt_tokens=1,
                completion_tokens=1,
            )
            await slow.keep(await driver_connection(session), ANSWER, assistant_id=ASSISTANT)

    with pytest.raises(KeyInUse):
        await work()
    assert await status(sessions, ann) is None, "the faster one's key"
    async with fast, sessions.begin() as session:
        await fast.keep(await driver_connection(session), ANSWER, assistant_id=ASSISTANT)
    assert await status(sessions, ann) == 201
    async with sessions() as session:
        assert not (await session.execute(select(UsageDay))).all()


async def test_forgetting_leaves_the_others(sessions: Sessions, ann: int) -> None:
    async with await begun(sessions, ann) as attempt, sessions.begin() as session:
        await attempt.keep(await driver_connection(session), ANSWER, assistant_id=ASSISTANT)
    for assistant, owner, found in ((8, None, 201), (7, ann + 1, 201), (7, ann, "free")):
        async with sessions.begin() as session:
            await store.forget(session, assistant, owner)
        assert await status(sessions, ann) == found
