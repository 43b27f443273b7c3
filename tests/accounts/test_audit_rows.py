"""The audit trail's rows: there with what they tell of or not at all, and gone after a while."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from aiconvokit.accounts import audit, queries
from aiconvokit.accounts.audit import Actor
from aiconvokit.config import Settings
from aiconvokit.services import Services


async def actions(services: Services) -> list[str]:
    async with services.owner_sessions() as session:
        return list(await session.scalars(text("SELECT action FROM audit_event ORDER BY id")))


async def test_a_row_shares_its_transactions_fate(services: Services) -> None:
    async def suspended(*, breaks: bool) -> None:
        async with services.sessions.begin() as session:
            user = await queries.user_by_name(session, "ann")
            assert user is not None
            await queries.set_active(session, user.id, is_active=False)
            await audit.note(session, "user.suspended", "user", user.id)
            if breaks:
                raise ZeroDivisionError

    async with services.sessions.begin() as session:
        await queries.insert_user(session, "ann", "", "x")
    with pytest.raises(ZeroDivisionError):
        await suspended(breaks=True)
    assert await actions(services) == []
    await suspended(breaks=False)
    assert await actions(services) == ["user.suspended"]


async def test_failed_logins_are_written_once_a_minute(services: Services) -> None:
    ann, sue = Actor(1, "ann"), Actor(2, "sue")
    for address in ("192.0.2.1", "192.0.2.2"):
        with audit.coming_from(address):
            for known in (ann, sue, None, ann, sue, None):
                await audit.note_failed_login(services, known)
    assert len(await actions(services)) == 6
    async with services.sessions.begin() as session:
        await session.execute(text("UPDATE rate_bucket SET updated_at = now() - interval '61 s'"))
    with audit.coming_from("192.0.2.1"):
        await audit.note_failed_login(services, ann)
    assert len(await actions(services)) == 7


async def test_what_is_old_goes_in_steps(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SWEPT", 3)
    monkeypatch.setenv("AICONVOKIT_AUDIT_DAYS", "30")
    settings = Settings(openai_base_url="http://127.0.0.1:1/v1")
    rows = (
        "INSERT INTO audit_event (at, actor, action)"
        " SELECT now() - make_interval(days => d), 'x', 'day ' || d FROM generate_series(25, 40) d"
    )
    async with services.owner_sessions.begin() as session:
        await session.execute(text(rows))
    await audit.sweep_once(replace(services, settings=settings))
    assert await actions(services) == [f"day {day}" for day in range(25, 30)]
