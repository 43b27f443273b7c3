"""`aiconvokit ingest`: a folder from the command line, twice, with bad files, cut off."""

import json
import signal
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
from support.starter import run
from support.waiting import eventually

GOOD = b"# Lease\n\nThe rent is EUR 900 a month.\n"


class Shell:
    """The command line on a database and a data folder of the test's own."""

    def __init__(self, url: str, folder: Path, model_url: str) -> None:
        self.url = url
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.environment = server_environment(str(folder), url, model_url)

    def ingest(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return run(self.arguments(*arguments), self.environment, timeout=120)

    def arguments(self, *more: str) -> list[str]:
        return ["ingest", str(self.docs), "--create", "Leases", *more]

    def command(self, *more: str) -> list[str]:
        """For a process that is stopped half way."""
        return [sys.executable, "-m", "aiconvokit", *self.arguments(*more)]

    def report(self, *arguments: str) -> dict[str, Any]:
        done = self.ingest("--json", *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if found["failed"] else 0)
        return found

    def count(self, table: str) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # ours
        return int(row[0]) if row else 0

    def attributes(self) -> dict[str, dict[str, object]]:
        """What is said about each document."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT filename, attributes FROM document").fetchall()
        return dict(rows)

    def versions(self) -> dict[str, int]:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT filename, version FROM document").fetchall()
        return dict(rows)


@pytest.fixture
def shell(cluster_url: str, fake: FakeModel) -> Iterator[Shell]:
    with data_folder() as folder:
        yield Shell(clone(cluster_url), folder, fake.base_url)


def test_a_second_run_reads_only_what_changed(shell: Shell) -> None:
    (shell.docs / "deep").mkdir()
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "deep" / "a.md").write_bytes(GOOD.replace(b"900", b"950"))
    (shell.docs / ".hidden.md").write_bytes(GOOD)
    (shell.docs / "picture.gif").write_bytes(b"GIF89a")

    first = shell.report("--recursive")
    assert (first["new"], first["pages"]) == (["a.md", "deep/a.md"], 2)

    (shell.docs / "a.md").write_bytes(GOOD.replace(b"900", b"990"))
    would = shell.ingest("--recursive", "--dry-run")
    assert "1 changed, 1 known already" in would.stdout
    second = shell.report("--recursive")
    assert (second["changed"], second["known"]) == (["a.md"], ["deep/a.md"])
    assert second["assistant_id"] == first["assistant_id"]
    assert shell.count("document") == shell.count("chunk") == 2


def test_a_bad_file_is_listed_with_its_reason_and_stops_nothing(shell: Shell) -> None:
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "b.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (shell.docs / "c.txt").write_bytes(b"")
    done = shell.ingest()
    assert done.returncode == 1
    assert "failed: b.pdf: corrupt: " in done.stdout
    assert "failed: c.txt: " in done.stdout
    assert shell.count("chunk") == 1
    again = shell.report()
    assert again["known"] == ["a.md"]
    assert set(again["failed"]) == {"b.pdf", "c.txt"}


def test_two_runs_at_once_and_one_cut_off_end_the_same(shell: Shell) -> None:
    shell.environment["AICONVOKIT_EMBEDDING_MODEL"] = "fake@300"
    for number in range(12):
        (shell.docs / f"{number}.md").write_bytes(GOOD.replace(b"900", b"%d" % number))
    cut = subprocess.Popen(  # noqa: S603  # our own command
        shell.command(),
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: shell.count("chunk") > 0)
    cut.send_signal(signal.SIGINT)
    out, err = cut.communicate(timeout=60)
    assert (cut.returncode, "Traceback" in err) == (130, False), err
    assert "Stopped." in out
    assert 0 < shell.count("chunk") < 12

    runs = [
        subprocess.Popen(  # noqa: S603  # our own command
            shell.command("--json"),
            env=shell.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert shell.count("chunk") == shell.count("vec_1") == 12


def test_attributes_from_flags_and_sidecars(shell: Shell) -> None:
    (shell.docs / "deep").mkdir()
    for name in ("a.md", "b.md", "deep/c.md"):
        (shell.docs / name).write_bytes(GOOD)
    (shell.docs / "a.md.meta.json").write_text('{"kind": "lease", "year": 2025}')
    (shell.docs / "deep" / "c.md.meta.json").write_text('{"final": true}')
    flags = ("--recursive", "--attribute", "year=2024", "--attribute", 'code="7"')
    first = shell.report(*flags)
    assert (first["new"], first["failed"]) == (["a.md", "b.md", "deep/c.md"], {})
    assert shell.attributes() == {
        "a.md": {"kind": "lease", "year": 2025, "code": "7"},
        "b.md": {"year": 2024, "code": "7"},
        "deep/c.md": {"final": True, "year": 2024, "code": "7"},
    }
    assert shell.report(*flags)["known"] == first["new"]
    # A sidecar alone says all; where none is, and no flag, what was said before holds.
    done = shell.report("--recursive")
    assert (done["relabelled"], done["known"]) == (["a.md", "deep/c.md"], ["b.md"])
    assert shell.attributes()["deep/c.md"] == {"final": True}
    assert shell.attributes()["b.md"] == {"year": 2024, "code": "7"}


def test_a_changed_sidecar_alone_reads_nothing_again(shell: Shell) -> None:
    sidecar = shell.docs / "a.md.meta.json"
    (shell.docs / "a.md").write_bytes(GOOD)
    sidecar.write_text('{"year": 2024, "size": 1e300}')
    shell.report()
    jobs = shell.count("procrastinate_jobs")
    assert shell.report()["known"] == ["a.md"]

    sidecar.write_text('{"year": 2025}')
    would = shell.ingest("--dry-run")
    assert "1 with other attributes" in would.stdout
    assert shell.attributes() == {"a.md": {"year": 2024, "size": 10**300}}
    done = shell.report()
    assert (done["relabelled"], done["pages"]) == (["a.md"], 0)
    assert shell.attributes() == {"a.md": {"year": 2025}}
    assert shell.count("procrastinate_jobs") == jobs
    assert shell.versions() == {"a.md": 1}

    (shell.docs / "a.md").write_bytes(GOOD.replace(b"900", b"990"))
    sidecar.unlink()
    assert shell.report()["changed"] == ["a.md"]
    assert (shell.attributes(), shell.versions()) == ({"a.md": {"year": 2025}}, {"a.md": 2})


def test_a_broken_sidecar_is_listed_like_a_bad_file(shell: Shell) -> None:
    (shell.docs / "a.md").write_bytes(GOOD)
    (shell.docs / "b.md").write_bytes(GOOD)
    sidecar = shell.docs / "b.md.meta.json"
    for content, reason in (
        ("{", "Value must be valid JSON."),
        ('{"a": [1]}', "A value must be a string, a number or a boolean."),
    ):
        sidecar.write_text(content)
        done = shell.ingest()
        assert done.returncode == 1
        assert f"failed: b.md: b.md.meta.json: {reason}" in done.stdout
        assert "Traceback" not in done.stderr
        assert set(shell.attributes()) == {"a.md"}
    again = shell.report("--dry-run")
    assert (again["known"], list(again["failed"])) == (["a.md"], ["b.md"])
    sidecar.write_text("{}")
    assert shell.report()["new"] == ["b.md"]
    flag = shell.ingest("--attribute", "nothing")
    assert (flag.returncode, flag.stdout) == (2, "")
    assert "nothing is not of the form key=value." in flag.stderr


def test_mistakes_are_one_sentence(shell: Shell) -> None:
    assert "No file there that can be read" in shell.ingest().stderr
    (shell.docs / "a.md").write_bytes(GOOD)
    assert "There is no user bob" in shell.ingest("--user", "bob").stderr
    shell.docs /= "missing"
    missing = shell.ingest()
    assert (missing.returncode, "There is no file or folder" in missing.stderr) == (2, True)
