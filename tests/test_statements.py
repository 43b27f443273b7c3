"""Statements that every turn runs: prepared once a connection, whatever becomes of it."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from aiconvokit import statements
from aiconvokit.db import Transaction, create_pool, in_transaction
from aiconvokit.statements import Prepared

ECHO = Prepared("SELECT CAST(:a AS bigint), CAST(:b AS text), :a + 1")
NAMES = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'aiconvokit%'"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Transaction]:
    pool = create_pool(database_url, pool_size=1)
    await pool.open()
    async with pool.lend() as lent:
        yield lent
    await pool.close()


async def prepared(connection: Transaction) -> int:
    row = await (await connection.execute(NAMES)).fetchone()
    assert row is not None
    return int(row[0])


async def test_it_is_prepared_once(connection: Transaction) -> None:
    for number in (1, 2**40, -1):
        assert await ECHO.rows(connection, {"a": number, "b": "ä", "more": 0}) == [
            (number, "ä", number + 1)
        ]
    assert await prepared(connection) == 1


async def test_values_come_as_they_went(connection: Transaction) -> None:
    values = {
        "flag": True,
        "nothing": None,
        "bytes": b"\x00\xff",
        "id": UUID(int=7),
        "days": timedelta(days=90, microseconds=5),
        "ids": [3, 1],
        "no_ids": list[int](),
        "texts": ["a,b", '"', "\\", ""],
        "weights": [0.1, 1e-9],
        "json": Jsonb({"a": [None, "ä"]}),
    }
    asked = """
        SELECT CAST(:flag AS boolean), CAST(:nothing AS text), CAST(:bytes AS bytea),
               CAST(:id AS uuid), CAST(:days AS interval), CAST(:ids AS bigint[]),
               CAST(:no_ids AS bigint[]), CAST(:texts AS text[]), CAST(:weights AS float8[]),
               CAST(:json AS jsonb)
    """
    row = await Prepared(asked).row(connection, values)
    assert row == (*[*values.values()][:-1], {"a": [None, "ä"]})


async def test_no_row_is_none(connection: Transaction) -> None:
    assert await Prepared("SELECT 1 WHERE :never").row(connection, {"never": False}) is None


async def test_a_rollback_that_makes_the_driver_forget_is_survived(connection: Transaction) -> None:
    assert await ECHO.row(connection, {"a": 1, "b": ""}) is not None
    await connection.execute("DEALLOCATE ALL")
    assert await ECHO.row(connection, {"a": 2, "b": ""}) == (2, "", 3)


async def test_one_that_is_missing_is_no_reason_to_forget_the_others(
    connection: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_PREPARED", 2)
    several = [Prepared(f"SELECT {number} + CAST(:a AS int)") for number in range(3)]
    for one in several[:2]:
        await one.row(connection, {"a": 0})
    found = await connection.execute("SELECT name FROM pg_prepared_statements ORDER BY name")
    first, *_ = [name for (name,) in await found.fetchall() if name.startswith("aiconvokit")]
    await connection.execute(f"DEALLOCATE {first}")
    for one in (*several, *several):
        assert await one.row(connection, {"a": 0}) == (several.index(one),)


async def test_a_connection_that_is_closed_is_forgotten(database_url: str) -> None:
    pool = create_pool(database_url, pool_size=1)
    await pool.open()
    async with pool.lend() as lent:
        await ECHO.row(lent, {"a": 1, "b": ""})
        seen = weakref.ref(lent)
    del lent
    await pool.close()
    gc.collect()
    assert seen() is None


async def test_a_connection_keeps_those_used_last(
    connection: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_PREPARED", 3)
    several = [Prepared(f"SELECT {number} + CAST(:a AS int)") for number in range(4)]
    for one in (*several[:3], several[0], several[3], several[0], several[1]):
        assert await one.row(connection, {"a": 0}) == (several.index(one),)
    assert await prepared(connection) == 3


async def test_errors_are_the_drivers_own(connection: Transaction) -> None:
    divide = Prepared("SELECT 1 / CAST(:a AS int)")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await divide.row(connection, {"a": 0})
    with pytest.raises(psycopg.errors.UndefinedTable):
        await Prepared("SELECT :a FROM nowhere").row(connection, {"a": 0})
    assert await divide.row(connection, {"a": 1}) == (1,)


async def test_in_a_transaction_it_takes_its_turn(database_url: str) -> None:
    pool = create_pool(database_url, pool_size=1)
    await pool.open()
    async with in_transaction(pool) as transaction:
        await transaction.execute("SELECT set_config('aiconvokit.reached', '7', true)")
        told = Prepared("SELECT current_setting(:name)")
        assert await told.row(transaction, {"name": "aiconvokit.reached"}) == ("7",)
    await pool.close()


async def test_who_is_cancelled_stops_the_statement(connection: Transaction) -> None:
    sleep = Prepared("SELECT pg_sleep(:seconds)")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await sleep.row(connection, {"seconds": 30})
    assert await ECHO.row(connection, {"a": 1, "b": "x"}) == (1, "x", 2)
