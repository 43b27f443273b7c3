"""`aiconvokit doctor` as it is shipped: its table, its exit codes, what the server makes of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import API, client_with_model, data_folder, running_server, server_environment
from support.starter import run

EMBEDDED = {"DATABASE_URL": "", "AICONVOKIT_EMBEDDING_MODEL": "", "AICONVOKIT_LIMITS": ""}


def doctor(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = run(["doctor", *arguments], environment, timeout=300)
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    assert "sk-test-secret" not in printed
    assert "\x1b" not in printed
    return done


def states(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    report: dict[str, Any] = json.loads(done.stdout)
    for one in report["findings"]:
        assert set(one) == {"name", "state", "found", "advice"}
    found = {one["name"]: one["state"] for one in report["findings"]}
    assert report["ok"] == ("failed" not in found.values()) == (done.returncode == 0)
    return found


def test_what_is_well_is_printed_in_a_table(
    database_url: str, fake: FakeModel, tmp_path: Path
) -> None:
    environment = server_environment(str(tmp_path), database_url, fake.base_url)
    done = doctor(environment | {"AICONVOKIT_CHAT_MODEL": "fake", "AICONVOKIT_LIMITS": ""})
    assert done.returncode == 0, done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    assert "✗ 0 to repair" in done.stdout
    for part in ("Database", "Machine", "Chat", "Embedding"):
        assert f"\n{part}\n" in f"\n{done.stdout}"
    assert done.stderr == ""


def test_everything_that_is_wrong_is_told_at_once(fake: FakeModel, tmp_path: Path) -> None:
    nobody = "postgresql://ann:hunter22@127.0.0.1:9/reports"
    environment = server_environment(str(tmp_path), nobody, fake.base_url) | {
        "AICONVOKIT_CHAT_MODEL": "fake:401",
        "AICONVOKIT_EMBEDDING_MODEL": "fake:404",
    }
    found = states(doctor(environment, "--json"))
    failed = {name for name, state in found.items() if state == "failed"}
    assert failed == {"database server", "chat model", "embedding model"}
    assert found["settings limits"] == "warning"

    printed = doctor(environment)
    assert printed.returncode == 1
    assert "hunter22" not in printed.stdout
    assert printed.stdout.count("✗") == len(failed) + 1


def test_a_terminal_that_knows_no_signs_gets_letters(fake: FakeModel, tmp_path: Path) -> None:
    nobody = "postgresql://127.0.0.1:9/reports"
    environment = server_environment(str(tmp_path), nobody, fake.base_url)
    done = subprocess.run(  # our own command, whose interpreter must begin with it
        [sys.executable, "-m", "aiconvokit", "doctor"],
        env=environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert " x  server" in done.stdout


@pytest.mark.parametrize("wrong", ["AICONVOKIT_POOL_SIZE", "AICONVOKIT_REGISTRATION"])
def test_settings_that_cannot_be_read_are_a_finding(
    fake: FakeModel, tmp_path: Path, wrong: str
) -> None:
    environment = server_environment(str(tmp_path), "", fake.base_url) | {wrong: "sk-many"}
    done = doctor(environment, "--json")
    assert states(done) == {"settings": "failed"}
    assert "sk-many" not in done.stdout


def test_a_running_server_is_not_disturbed(fake_server: FakeModel) -> None:
    with data_folder() as folder:
        environment = EMBEDDED | {"AICONVOKIT_DATA_DIR": f"{folder}/data"}
        with (
            running_server("", fake_server.base_url, environment=environment) as server,
            server.login("ann") as ann,
        ):
            made = ann.assistant(rent_md=b"# Rent\n\nThe rent is 900 euro a month.\n")
            given = server_environment(str(folder), "", fake_server.base_url) | EMBEDDED
            found = states(doctor(given, "--json"))
            assert set(found.values()) == {"ok"}, found
            assert found["embedding space"] == "ok"
            assert ann.get(f"{API}/assistants/{made['id']}/").status_code == 200


def test_the_server_speaks_as_the_doctor_learnt(
    cluster_url: str, fake: FakeModel, tmp_path: Path
) -> None:
    url, model = clone(cluster_url), "fake:no_system_role"
    environment = server_environment(str(tmp_path), url, fake.base_url)
    doctor(environment | {"AICONVOKIT_CHAT_MODEL": model})
    fake.reset()
    with client_with_model(url, fake.base_url, model) as ann:
        assistant = int(ann.assistant()["id"])
        ann.ask(ann.chat(assistant), assistant, "Who are you?")
    roles = [message["role"] for message in fake.chats()[0].body["messages"]]
    assert "system" not in roles
