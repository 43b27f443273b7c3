"""`aiconvokit ingest --password`: one password for the files that need one, from standard input."""

import json
import subprocess
from typing import Any

import psycopg

from support.locked_pdf import locked
from support.shell import Shell

PASSWORD = "Größe 9"


def ingest(shell: Shell, *arguments: str) -> dict[str, Any]:
    """What a run prints; the encoding of its streams is told to its interpreter."""
    done = subprocess.run(  # noqa: S603  # our own command
        shell.command("--json", *arguments),
        env=shell.environment | {"PYTHONIOENCODING": "utf-8"},
        input=f"{PASSWORD}\n",
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_needs_the_password_gets_it_and_nothing_else(shell: Shell) -> None:
    (shell.docs / "lease.pdf").write_bytes(locked(PASSWORD))
    (shell.docs / "other.pdf").write_bytes(locked("another"))
    (shell.docs / "notes.md").write_bytes(b"# Notes\n\nText.\n")
    refused = ingest(shell)["failed"]
    assert set(refused) == {"lease.pdf", "other.pdf"}
    assert refused["lease.pdf"].startswith("encrypted: The PDF needs a password.")

    report = ingest(shell, "--password")
    assert set(report["failed"]) == {"other.pdf"}
    assert "another password than the one that was given" in report["failed"]["other.pdf"]
    with psycopg.connect(shell.url) as connection:
        rows = connection.execute("SELECT filename, status, password FROM document").fetchall()
    assert sorted(rows) == [
        ("lease.pdf", "ready", PASSWORD),
        ("notes.md", "ready", None),
        ("other.pdf", "failed", None),
    ]
