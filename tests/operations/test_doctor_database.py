"""The doctor on databases: sound ones, old ones, badly set ones, none."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from aiconvokit.config import Limits, Settings
from aiconvokit.db import create_engine, create_sessions, driver_url
from aiconvokit.llm.remember import host_and_port, recall, store
from aiconvokit.llm.traits import Traits
from aiconvokit.operations.doctor import database, machine
from aiconvokit.operations.doctor.database import place
from aiconvokit.operations.doctor.findings import Finding, Findings, secrets_of
from aiconvokit.operations.doctor.queries import Server
from fake_model.server import FakeModel
from support.databases import database as other_database

Look = Callable[[Settings], Awaitable[dict[str, Finding]]]
SOUND = {
    "version": "18.4",
    "major": 18,
    "pgvector": "0.8.5",
    "available": "0.8.5",
    "bytes": 1,
    "ctype": "C.UTF-8",
    "encoding": "UTF8",
}


def settings(url: str | None, fake: FakeModel, **changes: Any) -> Settings:
    given = {
        "database_url": url,
        "openai_base_url": fake.base_url,
        "openai_api_key": "sk-test-secret",
        "embedding_model": "fake",
        **changes,
    }
    return Settings(**given)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


async def test_a_sound_house(look: Look, database_url: str, fake: FakeModel) -> None:
    found = await look(settings(database_url, fake, chat_model="fake:calls"))
    assert {one.name: one.state for one in found.values() if one.state != "ok"} == {}
    assert found["database roles"].found.startswith("Two")
    assert len(found) >= 20


async def test_what_was_learnt_is_stored(look: Look, database_url: str, fake: FakeModel) -> None:
    chat, embedding = "fake:no_system_role", "fake:batch_limit=32"
    await look(settings(database_url, fake, chat_model=chat, embedding_model=embedding))
    engine = create_engine(database_url, pool_size=1)
    sessions = create_sessions(engine)
    stored = await recall(sessions, "chat", fake.base_url, chat)
    assert stored.folds_system
    assert stored.tokens_ratio is not None
    assert await recall(sessions, "embedding", fake.base_url, embedding) == Traits(batch_items=32)
    await engine.dispose()


async def test_a_model_that_does_not_answer_leaves_what_is_stored(
    look: Look, database_url: str, fake: FakeModel
) -> None:
    engine = create_engine(database_url, pool_size=1)
    sessions, known = create_sessions(engine), Traits(folds_system=True)
    await store(sessions, "chat", fake.base_url, "fake:500", known)
    found = await look(settings(database_url, fake, chat_model="fake:500"))
    assert found["chat model"].state == "failed"
    assert await recall(sessions, "chat", fake.base_url, "fake:500") == known
    await engine.dispose()


async def test_an_empty_database_is_told_to_be_migrated(
    look: Look, cluster_url: str, fake: FakeModel
) -> None:
    name = f"empty_{uuid4().hex}"
    execute(cluster_url, f"CREATE DATABASE {name}")
    found = await look(settings(other_database(cluster_url, name), fake))
    assert found["database schema"].state == "failed"
    assert "aiconvokit migrate" in found["database schema"].advice
    assert found["database pgvector"].state == "warning"
    assert found["embedding model"].state == "ok"
    assert "embedding space" not in found


async def test_a_newer_schema_is_told_apart(look: Look, database_url: str, fake: FakeModel) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    found = await look(settings(database_url, fake))
    assert "9999" in found["database schema"].found
    assert "newer program" in found["database schema"].advice


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://ann:hunter22@127.0.0.1:9/reports", "127.0.0.1:9/reports"),
        ("postgresql://ann:hunter22@127.0.0.1:port/reports", "cannot be read"),
        ("hunter22", "cannot be read"),
        ("mysql://ann:hunter22@127.0.0.1:9/reports", ""),
    ],
)
async def test_a_database_that_is_not_there_keeps_nobody_from_the_rest(
    look: Look, fake: FakeModel, url: str, said: str
) -> None:
    found = await look(settings(url, fake))
    assert found["database server"].state == "failed"
    assert said in found["database server"].found
    assert "hunter22" not in str(found).replace(url, "")
    assert found["embedding model"].state == "ok"
    assert found["machine storage"].state == "ok"


async def test_durability_that_is_off_fails(look: Look, database_url: str, fake: FakeModel) -> None:
    execute(database_url, f"ALTER DATABASE {name_of(database_url)} SET synchronous_commit = off")
    found = await look(settings(database_url, fake))
    assert found["database settings"].state == "failed"
    assert "synchronous_commit" in found["database settings"].advice


async def test_one_role_is_a_warning_and_a_role_that_came_later_a_fault(
    look: Look, database_url: str, fake: FakeModel
) -> None:
    role = f"plain_{uuid4().hex[:8]}"
    execute(
        database_url, f"CREATE ROLE {role}", f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
    )
    url = f"{database_url}&options={quote(f'-c role={role}')}"
    found = await look(settings(url, fake))
    assert found["database roles"].state == "warning"
    assert role in found["database roles"].advice

    execute(database_url, "REVOKE SELECT ON collection FROM aiconvokit_app")
    found = await look(settings(database_url, fake))
    assert found["database roles"].state == "failed"


async def test_documents_of_another_model_are_found(
    look: Look, database_url: str, fake: FakeModel
) -> None:
    execute(
        database_url,
        "INSERT INTO \"user\" (username, email, password_hash) VALUES ('ann', 'a@b.c', 'x')",
        "SELECT ensure_embedding_space('elsewhere:80', 'former', 64)",
        "INSERT INTO collection (public_id, owner_id, name, space_id) "
        "SELECT 'col_1', u.id, 'Reports', s.id FROM \"user\" u, embedding_space s",
    )
    found = await look(settings(database_url, fake))
    assert found["embedding space"].state == "failed"
    assert "1 with former (elsewhere:80, 64 dimensions)" in found["embedding space"].found
    assert "aiconvokit reindex --to" in found["embedding space"].advice
    here = host_and_port(fake.base_url)
    execute(database_url, f"UPDATE embedding_space SET provider = '{here}'")  # noqa: S608  # ours
    found = await look(settings(database_url, fake))
    assert found["embedding space"].state == "warning"


async def test_settings_that_a_pooler_dropped_are_noticed(database_url: str) -> None:
    engine = create_async_engine(driver_url(database_url))
    findings = Findings()
    await database.examine(create_sessions(engine), "here", Limits(), findings)
    await engine.dispose()
    failed = [one.name for one in findings.all if one.state == "failed"]
    assert failed == ["database sessions"]


async def test_more_connections_than_there_are_fail(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    findings = Findings()
    await database.examine(create_sessions(engine), "here", Limits(pool_size=95), findings)
    await engine.dispose()
    assert [one.name for one in findings.all if one.state == "failed"] == ["database connections"]


@pytest.mark.parametrize(
    ("changed", "state", "is_usable"),
    [
        ({}, "ok", True),
        ({"pgvector": "0.8.3"}, "failed", False),
        ({"pgvector": None, "available": None}, "failed", False),
        ({"pgvector": None}, "warning", True),
        ({"pgvector": "0.8.4"}, "warning", True),
    ],
)
def test_versions_of_pgvector(changed: dict[str, Any], state: str, is_usable: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    findings = Findings()
    assert database._pgvector(findings, Server(**{**SOUND, **changed})) is is_usable
    assert [one.state for one in findings.all] == [state]


@pytest.mark.parametrize(("skew", "state"), [(0.2, "ok"), (-7.0, "warning"), (7.0, "warning")])
def test_clocks_that_differ(skew: float, state: str) -> None:
    findings = Findings()
    database._clock(findings, skew)
    assert [one.state for one in findings.all] == [state]


def test_the_place_of_a_database_has_no_credentials() -> None:
    assert place("postgresql://u:p@db/reports", is_embedded=False) == "db:5432/reports"
    assert place("postgresql:///x?host=/run", is_embedded=False) == "local socket:5432/x"


def test_secrets_are_hidden_wherever_they_stand() -> None:
    given = Settings(
        database_url=SecretStr("postgresql://u:pa%40ss@db/x"),
        openai_api_key=SecretStr("sk-long"),
        openai_base_url="https://ann:hunter22@host/v1?key=abcd",
    )
    findings = Findings(secrets_of(given))
    findings.ok("a", "pa@ss pa%40ss sk-long hunter22 key=abcd")
    assert findings.all[0].found == " ".join(["***"] * 5)


async def test_a_folder_that_nothing_can_be_stored_in_fails(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"a file, where a folder should be")
    findings = Findings()
    await machine.storage(tmp_path, findings)
    assert [one.state for one in findings.all] == ["failed"]


async def test_the_probe_of_the_storage_leaves_nothing_behind(tmp_path: Path) -> None:
    findings = Findings()
    await machine.storage(tmp_path, findings)
    assert findings.is_ok
    assert os.listdir(tmp_path) == ["files"]  # noqa: PTH208 - Path.iterdir is no better in a coroutine
    assert not os.listdir(tmp_path / "files")  # noqa: PTH208 - as above
