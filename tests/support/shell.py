"""`aiconvokit ingest` from the command line, on a folder of documents."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from support.server import server_environment
from support.starter import run
from support.waiting import eventually


class Shell:
    """The command line on a database and a data folder of the test's own."""

    def __init__(self, url: str, folder: Path, model_url: str, flags: tuple[str, ...]) -> None:
        self.url = url
        self.flags = flags
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.environment = server_environment(str(folder), url, model_url)

    def arguments(self, *more: str) -> list[str]:
        """Of a run with the flags that each one has, and more of them."""
        return ["ingest", str(self.docs), "--create", "Leases", *self.flags, *more]

    def command(self, *more: str) -> list[str]:
        """For a process whose interpreter must begin with it."""
        return [sys.executable, "-m", "aiconvokit", *self.arguments(*more)]

    def ingest(self, *more: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, which must be no traceback."""
        done = run(self.arguments(*more), self.environment, timeout=120)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def report(self, *more: str) -> dict[str, Any]:
        """What a run prints with --json."""
        done = self.ingest("--json", *more)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if found["failed"] else 0)
        return found

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """For what is stopped half way, or runs beside another."""
        return subprocess.Popen(  # noqa: S603  # our own command
            self.command(*more),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cut_off(self) -> None:
        """Press Ctrl+C as soon as something can be searched; it must say that it stopped."""
        process = self.start()
        eventually(lambda: self.count("chunk") > 0)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
        told = (process.returncode, "Stopped." in said, "Traceback" in complained)
        assert told == (130, True, False), complained

    def count(self, table: str) -> int:
        """Rows of a table."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # ours
        return int(row[0]) if row else 0

    def documents(self) -> dict[str, tuple[int, int, str]]:
        """Name -> id, version and status of each document."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT filename, id, version, status FROM document")
            return {row[0]: row[1:] for row in rows}

    def names(self) -> set[str]:
        """Of all documents."""
        return set(self.documents())

    def versions(self) -> dict[str, int]:
        """Name -> version of each document."""
        return {name: version for name, (_, version, _) in self.documents().items()}

    def attributes(self) -> dict[str, dict[str, object]]:
        """What is said about each document."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT filename, attributes FROM document").fetchall()
        return dict(rows)
