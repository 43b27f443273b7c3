"""Whether what was promised is there, and nothing is there that must not be."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg

from aiconvokit.config import Settings
from aiconvokit.operations.check.examination import AT_REST, check
from aiconvokit.operations.check.folders import CONTENTS_WITHOUT_FILE, PARTS
from aiconvokit.operations.check.kinds import Finding
from aiconvokit.services import open_services
from benchmarks.soak.storm.ledger import Entry
from benchmarks.soak.storm.user import User

QUIET_SECONDS = 240
"""A dead worker's job is taken up within 35 s, a dead server's turn ends within 60 s."""
POLL_SECONDS = 0.2

IN_WORK = {
    "documents in work": "SELECT count(*) FROM document WHERE status NOT IN ('ready', 'failed')",
    "jobs": "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
    "chats that are held": "SELECT count(lease_token) FROM thread",
    "answers in work": "SELECT count(*) FROM message WHERE status = 'in_progress'",
}
TWICE = {
    "assistants of one name": "SELECT name FROM assistant GROUP BY 1 HAVING count(*) > 1",
    "messages of one text": """
        SELECT content FROM message WHERE role = 'user' GROUP BY 1 HAVING count(*) > 1""",
    "documents of one name": """
        SELECT filename FROM document GROUP BY collection_id, 1 HAVING count(*) > 1""",
}
FAILED = "SELECT filename || ': ' || coalesce(error_code, '') FROM document WHERE status = 'failed'"
CUT_OFF = (CONTENTS_WITHOUT_FILE.name, PARTS.name)
"""What an upload leaves whose server died before its row was there: nobody was promised it."""


def wait_for_quiet(url: str) -> float:
    """Wait until nothing is in work any more; how many seconds that took.

    Raises:
        RuntimeError: it does not come to an end; it says what goes on.
    """
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        while left := _in_work(connection):
            if time.monotonic() - began > QUIET_SECONDS:
                raise RuntimeError(f"After {QUIET_SECONDS} s there are still {left}.")
            time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def _in_work(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counts = {name: _column(connection, statement)[0] for name, statement in IN_WORK.items()}
    return {name: count for name, count in counts.items() if count}


def _column(connection: psycopg.Connection[Any], statement: str) -> list[Any]:
    return [row[0] for row in connection.execute(statement.encode()).fetchall()]


def broken_promises(user: User) -> Iterator[str]:
    """Everything that a user was told and that is not so, in sentences."""
    for address, entry in user.ledger.there.items():
        answer = user.look(address)
        if answer.status_code != 200:
            yield f"{address} was acknowledged and is {answer.status_code}"
        else:
            yield from _differs(user, address, entry, answer.json())
    for address in user.ledger.gone:
        if (status := user.look(address).status_code) != 404:
            yield f"{address} was deleted and is {status}"


def _differs(user: User, address: str, entry: Entry, found: Mapping[str, Any]) -> Iterator[str]:
    for name, wanted in entry.fields.items():
        value = found.get(name)
        if name == "content" and isinstance(value, list):  # OpenAI's messages have parts
            value = value[0]["text"]["value"]
        if value not in wanted if isinstance(wanted, frozenset) else value != wanted:
            yield f"{address}: {name} is {value!r} and not {wanted!r}"
    if entry.content is not None:
        content = user.look(f"{address}content/")
        if content.content != entry.content:
            yield f"{address} has other bytes: {content.status_code}"


def findings(url: str, data: Path, settings: Settings) -> tuple[list[str], int]:
    """What is wrong in the database and in the folders; and how many cut off uploads left bytes.

    The server is stopped. Those bytes are removed as `aiconvokit check --repair` does it, an hour
    later; then nothing may be left to find.
    """
    found = asyncio.run(_examined(url, data, settings, repair=False))
    cut_off = [one for one in found if one.kind in CUT_OFF]
    wrong = [f"{one.kind}: {one.count}, {one.examples}" for one in found if one not in cut_off]
    if cut_off and not wrong:
        asyncio.run(_examined(url, data, settings, repair=True))
        found = asyncio.run(_examined(url, data, settings, repair=False))
        wrong = [f"{one.kind} after its repair: {one.count}" for one in found]
    with psycopg.connect(url) as connection:
        for name, statement in TWICE.items():
            wrong += [f"{name}: {one}" for one in _column(connection, statement)]
        wrong += [f"a document failed: {one}" for one in _column(connection, FAILED)]
    return wrong, sum(one.count for one in cut_off)


async def _examined(url: str, data: Path, settings: Settings, *, repair: bool) -> list[Finding]:
    async with open_services(settings, url, data) as services:
        return await check(services, AT_REST, repair=repair)
