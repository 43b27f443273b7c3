"""The shipped commands beside a running server: killed in the middle, gone on with, gone back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aiconvokit.db import libpq_url
from aiconvokit.operations.reindex.filling import BATCH
from fake_model.server import FakeModel
from support.server import Client, running_server, server_environment
from support.starter import run
from support.waiting import eventually

NAMES = ("anvils", "rockets", "springs")
QUESTION = "What is clause 17 on anvils about?"


def lines(about: str) -> bytes:
    one = "Clause {} of a contract on {}: they are delivered within {} days."
    return "\n".join(one.format(number, about, number + 3) for number in range(1_800)).encode()


class Machine:
    """Where commands run beside the server."""

    def __init__(self, database: str, fake: FakeModel, folder: Path) -> None:
        self._database = database
        self._environment = server_environment(str(folder), database, fake.base_url)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """For what is killed half way."""
        command = [sys.executable, "-m", "aiconvokit", *arguments]
        return subprocess.Popen(  # noqa: S603  # our own command
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return run(arguments, self._environment, timeout=120)

    def run(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        done = self.ended(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def one(self, query: str) -> Any:
        with psycopg.connect(libpq_url(self._database)) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None


@pytest.fixture(scope="module")
def machine(
    database: str, fake_server: FakeModel, tmp_path_factory: pytest.TempPathFactory
) -> Machine:
    return Machine(database, fake_server, tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def assistant(ann: Client) -> int:
    anvils, rockets, springs = map(lines, NAMES)
    made = ann.assistant(anvils_txt=anvils, rockets_txt=rockets, springs_txt=springs)
    assert {one["status"] for one in made["documents"]} == {"ready"}
    return int(made["id"])


def asked(ann: Client, assistant: int) -> str:
    """The model in whose space a question was answered; it must have been."""
    chat = ann.chat(assistant)
    answer = ann.ask(chat, assistant, QUESTION)
    assert answer["citations"]
    return str(ann.receipt(chat, answer["message_id"])["space"]["model"])


def test_killed_and_gone_on_with_then_back(
    machine: Machine, ann: Client, assistant: int, fake: FakeModel
) -> None:
    passages = machine.one("SELECT sum(chunk_count) FROM collection")
    assert passages > 2 * BATCH
    killed = machine.start("reindex", "--to", "other@300")
    eventually(
        lambda: (
            bool(machine.one("SELECT to_regclass('vec_2') IS NOT NULL"))
            and machine.one("SELECT count(*) FROM vec_2") >= BATCH
        )
    )
    assert asked(ann, assistant) == "fake"
    killed.kill()
    killed.communicate()
    made = machine.one("SELECT count(*) FROM vec_2")
    assert BATCH <= made < passages
    (state,) = machine.run("reindex", "--status")
    assert state["next_passages"] == made
    assert state["assistants"] == [assistant]
    assert asked(ann, assistant) == "fake"

    report = machine.run("reindex", "--to", "other@300")
    assert (report["embedded"], report["failed"]) == (passages - made, {})
    assert asked(ann, assistant) == "other@300"  # the server was told nothing, and not restarted
    document = ann.post(
        f"/api/v1/assistants/{assistant}/documents/",
        files=[("files", ("new.txt", b"Clause 17 on anvils was changed."))],
    )
    assert document.status_code == 201, document.text
    ann.read(assistant)
    assert machine.one("SELECT count(*) FROM vec_2") == passages + 1
    assert machine.one("SELECT count(*) FROM vec_1") == passages

    assert machine.run("reindex", "--back")["embedded"] == 1
    assert asked(ann, assistant) == "fake"
    assert machine.run("reindex", "--forget-old") == {"vectors": passages + 1}
    assert machine.one("SELECT count(*) FROM vec_2") == 0
    assert asked(ann, assistant) == "fake"


def test_a_server_with_another_model_still_answers(
    machine: Machine, database: str, ann: Client, assistant: int, fake: FakeModel
) -> None:
    changed = {"AICONVOKIT_EMBEDDING_MODEL": "fake-next"}
    with running_server(database, fake.base_url, environment=changed) as server:
        token = ann.headers["Authorization"]
        with server.client(Authorization=token) as client:
            assert asked(client, assistant) == "fake"


def test_a_model_that_cannot_be_reached_is_told_with_what_to_do(
    machine: Machine, database: str, ann: Client, assistant: int, fake: FakeModel
) -> None:
    elsewhere = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    with (
        running_server(database, fake.base_url, environment=elsewhere) as server,
        server.client(Authorization=ann.headers["Authorization"]) as client,
    ):
        body = {"assistant_id": assistant, "input": QUESTION}
        answer = client.put(f"/api/v1/chat/{client.chat(assistant)}/", json=body)
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "embedding_model_changed"
    assert "aiconvokit reindex --to fake" in answer.json()["detail"]


def test_statistics(machine: Machine, assistant: int) -> None:
    found = machine.run("stats")
    passages = machine.one("SELECT sum(chunk_count) FROM collection")
    assert found["sizes"] == {"collections": 1, "passages": passages, "indexed": 0}
    tables = {one["name"]: one for one in found["tables"]}
    assert tables["chunk"]["leaves"] == tables["vec_1"]["leaves"] == 32
    assert found["spaces"][0]["collections"] == 1
    assert found["largest"][0]["passages"] == passages
    assert found["indexes"][0]["state"] == "compared"
    assert found["documents"] == {"ready": len(NAMES) + 1}
    shown = machine.ended("stats")
    assert shown.returncode == 0, shown.stderr
    assert "Embedding spaces" in shown.stdout


def test_commands_refuse_what_they_cannot_do(machine: Machine) -> None:
    for arguments, said in (
        (["--to", "fake:404"], "fake:404"),
        (["--to", "x", "--user", "nobody"], "no user nobody"),
        (["--back", "--assistant", "999"], "no assistant 999"),
    ):
        done = machine.ended("reindex", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
