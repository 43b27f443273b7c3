"""A connection that was told a user, and did not live to hear the answer, is told anew."""

import asyncio
from typing import Any

import pytest

from aiconvokit import db
from aiconvokit.acting import acting_for
from aiconvokit.db import Wall, create_pool

ACTING = "SELECT current_setting('aiconvokit.acting')"


async def test_who_is_cancelled_while_being_named_leaves_no_name(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = create_pool(database_url, pool_size=1, wall=Wall(shares=False))
    await pool.open()
    with acting_for(1):
        async with pool.connection() as connection:
            execute = connection.execute

    async def cut_off(*said: Any) -> None:
        await execute(*said)
        raise asyncio.CancelledError

    monkeypatch.setattr(connection, "execute", cut_off)
    with acting_for(2), pytest.raises(asyncio.CancelledError):
        await db._check_and_name(connection)
    monkeypatch.undo()
    with acting_for(1):
        async with pool.connection() as again:
            row = await (await again.execute(ACTING)).fetchone()
    assert row == ("1",)
    await pool.close()
