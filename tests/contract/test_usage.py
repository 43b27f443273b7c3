"""GET /usage/: one's own questions and tokens, by day and assistant."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from aiconvokit.accounts import queries
from aiconvokit.db import create_engine, create_sessions
from contract.rows import row
from contract.wire import exactly
from ingestion.store import driver_connection
from support.server import API, Client, Server

USAGE = f"{API}/usage/"
KEYS = "day assistant_id questions prompt_tokens completion_tokens"
ROW = "INSERT INTO usage_day VALUES (%s, %s, %s, %s, %s, %s)"
NO_DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."


def today() -> date:
    return datetime.now(UTC).date()


def user_of(connection: "psycopg.Connection[Any]", name: str) -> int:
    found = connection.execute('SELECT id FROM "user" WHERE username = %s', (name,)).fetchone()
    assert found
    return int(found[0])


@pytest.fixture(scope="module")
def una(server: Server, contract_database: str) -> Iterator[Client]:
    """A user with usage on five days of the past, the oldest 400 days ago."""
    with server.login("una") as client, psycopg.connect(contract_database) as connection:
        una = user_of(connection, "una")
        for days, assistant in ((0, 2**40), (1, 5), (1, 6), (29, 5), (30, 5), (400, 5)):
            day = today() - timedelta(days=days)
            connection.execute(ROW, (una, day, assistant, 1, days, 2**40))
        connection.commit()
        yield client


def days_ago(rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Of each row: how many days ago, and which assistant."""
    return [((today() - date.fromisoformat(one["day"])).days, one["assistant_id"]) for one in rows]


@row("usage")
def test_the_last_thirty_days_newest_first(una: Client) -> None:
    answer = una.get(USAGE)
    rows = answer.json()
    assert answer.status_code == 200
    assert " ".join(rows[0]) == KEYS
    assert days_ago(rows) == [(0, 2**40), (1, 5), (1, 6), (29, 5)]
    day = (today() - timedelta(days=1)).isoformat()
    expected = f'{{"day":"{day}","assistant_id":5,"questions":1,"prompt_tokens":1,'
    assert f'{expected}"completion_tokens":{2**40}}}' in answer.text
    assert "link" not in answer.headers


@row("usage")
def test_from_to_and_assistant(una: Client) -> None:
    def asked(**query: object) -> list[tuple[int, int]]:
        answer = una.get(USAGE, params={name.strip("_"): str(it) for name, it in query.items()})
        assert answer.status_code == 200, answer.text
        return days_ago(answer.json())

    now = today()
    assert asked(to=now - timedelta(days=1)) == [(1, 5), (1, 6), (29, 5), (30, 5)]
    assert asked(from_=now, to=now) == [(0, 2**40)]
    assert asked(assistant_id=6) == [(1, 6)]
    assert asked(assistant_id=99) == []
    assert asked(from_=now - timedelta(days=30), assistant_id=5) == [(1, 5), (29, 5), (30, 5)]
    assert asked(from_=now - timedelta(days=365))[-1] == (30, 5)
    old = now - timedelta(days=400)
    assert asked(from_=old, to=old + timedelta(days=365))[-1] == (400, 5)
    assert asked(to="0001-01-01") == []


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_goes_on_within_a_day(una: Client, limit: int) -> None:
    first = (today() - timedelta(days=365)).isoformat()
    seen: list[dict[str, Any]] = []
    address = f"{USAGE}?limit={limit}&from={first}"
    for _ in range(10):
        answer = una.get(address)
        assert len(answer.json()) <= limit
        seen += answer.json()
        if "next" not in answer.links:
            break
        address = answer.links["next"]["url"]
    assert days_ago(seen) == [(0, 2**40), (1, 5), (1, 6), (29, 5), (30, 5)]


def test_paging_keeps_the_filter(una: Client) -> None:
    first = una.get(f"{USAGE}?limit=1&assistant_id=5")
    then = una.get(first.links["next"]["url"])
    assert days_ago(first.json() + then.json()) == [(1, 5), (29, 5)]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "wrong", ["", "today", "20261101", "2026-W01-1", "2026-02-30", "٢٠٢٦-01-01"]
)
def test_no_date(una: Client, name: str, wrong: str) -> None:
    exactly(una.get(USAGE, params={name: wrong}), 400, f'{{"{name}":["{NO_DATE}"]}}')


def test_ranges_that_are_none_or_too_long(una: Client) -> None:
    backwards = {"from": "2026-03-02", "to": "2026-03-01"}
    sentence = "Ensure this date is not after 2026-03-01."
    exactly(una.get(USAGE, params=backwards), 400, f'{{"from":["{sentence}"]}}')
    long = {"from": "2025-03-01", "to": "2026-03-02"}
    sentence = "Ensure this date is not before 2025-03-02."
    exactly(una.get(USAGE, params=long), 400, f'{{"from":["{sentence}"]}}')
    assert una.get(USAGE, params=long | {"to": "2026-03-01"}).status_code == 200
    wrong = una.get(USAGE, params={"assistant_id": "x"})
    exactly(wrong, 400, '{"assistant_id":["A valid integer is required."]}')
    assert una.get(USAGE, params={"limit": "0"}).status_code == 400


def test_others_see_their_own(server: Server, una: Client, nobody: Client) -> None:
    with server.login("uwe") as uwe:
        exactly(uwe.get(USAGE), 200, "[]")
    assert nobody.get(USAGE).status_code == 401


async def test_questions_add_up(server: Server, contract_database: str) -> None:
    engine = create_engine(contract_database, pool_size=1)
    sessions = create_sessions(engine)
    with server.login("ugo") as ugo, psycopg.connect(contract_database) as connection:
        owner = user_of(connection, "ugo")
        for assistant, read, written in ((3, 10, 1), (3, 5, 0), (4, 2**40, 7)):
            async with sessions.begin() as session:
                await queries.add_usage(
                    await driver_connection(session),
                    owner,
                    assistant,
                    prompt_tokens=read,
                    completion_tokens=written,
                )
        found = [tuple(one.values())[1:] for one in ugo.get(USAGE).json()]
        assert found == [(3, 2, 15, 1), (4, 1, 2**40, 7)]
        assert date.fromisoformat(ugo.get(USAGE).json()[0]["day"]) == today()
    await engine.dispose()


@row("usage")
def test_an_answered_question_is_counted(server: Server) -> None:
    with server.login("ulf") as ulf:
        assistant = ulf.assistant()["id"]
        chat = ulf.chat(assistant)
        for _ in range(2):
            ulf.ask(chat, assistant, "How many?")
        [counted] = ulf.get(USAGE).json()
        assert counted == {
            "day": counted["day"],
            "assistant_id": assistant,
            "questions": 2,
            "prompt_tokens": 0,
            "completion_tokens": 0,
        }
        ulf.delete(f"{API}/assistants/{assistant}/")
        assert ulf.get(USAGE).json() == [counted], "what was spent stays"
