"""`aiconvokit ingest --password`: one password for the files that need one, from standard input."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from fake_model.server import FakeModel
from support.databases import clone
from support.server import data_folder, server_environment

PASSWORD = "Größe 9"


def locked(password: str) -> bytes:
    plain, out = io.BytesIO(), io.BytesIO()
    canvas = Canvas(plain)
    canvas.drawString(72, 700, "The rent is EUR 900.")
    canvas.save()
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt(password, algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def place(cluster_url: str, fake: FakeModel) -> Iterator[tuple[Path, str, dict[str, str]]]:
    """A folder of documents, the database, and the environment of the command."""
    with data_folder() as folder:
        url = clone(cluster_url)
        (folder / "docs").mkdir()
        yield folder / "docs", url, server_environment(str(folder), url, fake.base_url)


def ingest(docs: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "aiconvokit", "ingest", str(docs), "--create", "Leases"]
    done = subprocess.run(  # noqa: S603  # our own command
        [*command, "--json", *arguments],
        env=environment | {"PYTHONIOENCODING": "utf-8"},
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


def test_what_needs_the_password_gets_it_and_nothing_else(
    place: tuple[Path, str, dict[str, str]],
) -> None:
    docs, url, environment = place
    (docs / "lease.pdf").write_bytes(locked(PASSWORD))
    (docs / "other.pdf").write_bytes(locked("another"))
    (docs / "notes.md").write_bytes(b"# Notes\n\nText.\n")
    refused = ingest(docs, environment)["failed"]
    assert set(refused) == {"lease.pdf", "other.pdf"}
    assert refused["lease.pdf"].startswith("encrypted: The PDF needs a password.")

    report = ingest(docs, environment, "--password")
    assert set(report["failed"]) == {"other.pdf"}
    assert "another password than the one that was given" in report["failed"]["other.pdf"]
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT filename, status, password FROM document").fetchall()
    assert sorted(rows) == [
        ("lease.pdf", "ready", PASSWORD),
        ("notes.md", "ready", None),
        ("other.pdf", "failed", PASSWORD),
    ]
