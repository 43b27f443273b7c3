"""`aiconvokit check` from the command line: what it says, and its status."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fake_model.server import FakeModel
from support.server import data_folder, server_environment
from support.starter import run

STALE = """
INSERT INTO "user" (username, email, password_hash) VALUES ('ann', '', '');
INSERT INTO thread (public_id, owner_id, lease_token, lease_expires_at)
SELECT 'thread_x', id, gen_random_uuid(), now() - interval '1 hour' FROM "user";
"""
FOREIGN = """
INSERT INTO "user" (username, email, password_hash) VALUES ('bob', '', '');
INSERT INTO collection (public_id, owner_id, name) SELECT 'vs_x', max(id), 'x' FROM "user";
UPDATE thread SET collection_id = (SELECT id FROM collection);
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with data_folder() as found:
        yield found


def test_found_repaired_and_gone(database_url: str, fake: FakeModel, folder: Path) -> None:
    def check(*arguments: str) -> tuple[int, str]:
        environment = server_environment(str(folder), database_url, fake.base_url)
        done = run(["check", *arguments], environment, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    def execute(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute(statement)

    assert check() == (0, "Everything is there, and nothing else.\n")
    execute(STALE)
    status, said = check()
    assert (status, "stale_leases: 1. " in said, "With --repair: " in said) == (1, True, True)
    assert "for example: thread 1" in said
    status, said = check("--repair", "--json")
    assert status == 0
    [finding] = json.loads(said)["findings"]
    assert (finding["kind"], finding["repaired"]) == ("stale_leases", True)
    assert check("--json") == (0, '{"ok":true,"findings":[]}\n')
    execute(FOREIGN)
    status, said = check("--repair")
    assert (status, "Not repaired: Nothing" in said) == (1, True)
