"""`aiconvokit eval --assistant`: an assistant that is there is asked, and left as it was."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fake_model.server import FakeModel
from support.databases import clone
from support.server import data_folder, server_environment

QUESTIONS = [
    {
        "id": "rent",
        "question": "How much is the rent?",
        "doc": "lease.md",
        "evidence": [{"page": 1, "text": "The rent is EUR 900 a month."}],
    },
    {
        "id": "deposit",
        "question": "And the deposit?",
        "doc": "lease.md",
        "history": [
            {"role": "user", "content": "How much is the rent?"},
            {"role": "assistant", "content": "EUR 900 a month."},
        ],
        "evidence": [{"page": 1, "text": "The deposit is EUR 1,800."}],
    },
]
LEFT = "SELECT (SELECT count(*) FROM chat), (SELECT count(*) FROM thread), count(*) FROM assistant"


class Shell:
    """The command line on a database with one assistant that has read a lease."""

    def __init__(self, url: str, folder: Path, model_url: str) -> None:
        self.url = url
        self.set = folder / "leases"
        (self.set / "docs").mkdir(parents=True)
        lease = "# Lease\n\nThe rent is EUR 900 a month. The deposit is EUR 1,800.\n"
        (self.set / "docs" / "lease.md").write_text(lease)
        rows = "".join(json.dumps(row) + "\n" for row in QUESTIONS)
        (self.set / "questions.jsonl").write_text(rows)
        self.environment = server_environment(str(folder), url, model_url)
        done = self.run("ingest", str(self.set / "docs"), "--create", "Leases", "--json")
        self.assistant = str(json.loads(done.stdout)["assistant_id"])

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "aiconvokit", *arguments]
        return subprocess.run(  # noqa: S603  # our own command
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def left(self) -> tuple[Any, ...] | None:
        """Chats, threads and assistants."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(LEFT).fetchone()


@pytest.fixture
def shell(cluster_url: str, fake: FakeModel) -> Iterator[Shell]:
    with data_folder() as folder:
        yield Shell(clone(cluster_url), folder, fake.base_url)


def test_an_assistant_is_asked_and_left_as_it_was(shell: Shell) -> None:
    options = ("--assistant", shell.assistant, "--answers", "--json")
    done = shell.run("eval", str(shell.set), *options)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["sets"].values()
    assert one["figures"]["recall@5"]["mean"] == 1.0
    assert (one["answers"]["answerable"], one["answers"]["quotes exact"]) == (2, 1.0)
    assert shell.left() == (0, 0, 1)


def test_an_unknown_assistant_is_one_sentence(shell: Shell) -> None:
    done = shell.run("eval", str(shell.set), "--assistant", "99")
    assert (done.returncode, "There is no assistant 99." in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
