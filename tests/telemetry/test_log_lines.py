"""Lines of the log: what they hold, and what they leave out of faults."""

import json
import logging
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from aiconvokit import request_id
from aiconvokit.acting import acting_for
from aiconvokit.services import Services
from aiconvokit.telemetry.logs import JsonLines, Lines

CANARY = "canary-words"


def record(message: str, *args: object, **more: Any) -> logging.LogRecord:
    return logging.getLogger("aiconvokit.x").makeRecord(
        "aiconvokit.x", logging.ERROR, "x.py", 1, message, args, **more
    )


def test_a_line_says_for_whom_it_is() -> None:
    with request_id.named("req_1"), acting_for(7):
        line = json.loads(JsonLines().format(record("%s\n%s", "two", "lines", exc_info=None)))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "ERROR",
        "logger": "aiconvokit.x",
        "message": "two\nlines",
        "request_id": "req_1",
        "user_id": 7,
    }


def test_nobody_is_null() -> None:
    line = json.loads(JsonLines().format(record("x", exc_info=None)))
    assert (line["request_id"], line["user_id"]) == (None, None)


STATEMENTS = (
    # A key that is there, a row that fails, a text that is no number.
    'INSERT INTO "user" (username, email, password_hash) VALUES (:c, :c, :c), (:c, :c, :c)',
    'INSERT INTO "user" (username, email) VALUES (:c, :c)',
    "SELECT CAST(CAST(:c AS text) AS integer)",
)


@pytest.mark.parametrize("formatter", [Lines("%(message)s"), JsonLines()], ids=["text", "json"])
@pytest.mark.parametrize("statement", STATEMENTS)
async def test_faults_of_the_database_leave_out_their_values(
    services: Services, formatter: logging.Formatter, statement: str
) -> None:
    told: list[str] = []
    try:
        async with services.owner_sessions() as session:
            await session.execute(text(statement), {"c": CANARY})
    except Exception as error:  # noqa: BLE001  # whatever it is, it is formatted
        group = ExceptionGroup("two", [error, ValueError("other")])
        group.__cause__ = RuntimeError("the cause")
        for one in (error, group):
            info = (type(one), one, one.__traceback__)
            told.append(formatter.format(record("It failed", exc_info=info)))
    assert len(told) == 2
    for line in told:
        assert CANARY not in line
        assert "Traceback" in line
        assert "test_log_lines.py" in line
        assert ("\n" in line) != isinstance(formatter, JsonLines)
    assert "the cause" in told[1]
    assert "other" in told[1]


async def test_what_a_fault_is_stays_known(services: Services) -> None:
    with pytest.raises(psycopg.Error) as fault:
        async with services.pool.connection() as connection:
            await connection.execute("SELECT * FROM nowhere")
    info = (fault.type, fault.value, fault.tb)
    line = Lines("%(message)s").format(record("x", exc_info=info))
    assert 'UndefinedTable: relation "nowhere" does not exist' in line
