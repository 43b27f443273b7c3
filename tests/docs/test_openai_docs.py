"""docs/openai.md has the table that the routes make, and the examples beside it run."""

import subprocess
import sys
from pathlib import Path

import pytest

from fake_model.server import FakeModel
from support.server import Client, Server

DOCS = Path(__file__).parents[2] / "docs"
REPORT = "# Annual report\n\nNorthwind employed 1,204 people at the end of 2025.\n"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """A chat model that answers at once."""
    return {"AICONVOKIT_CHAT_MODEL": "fake"}


def run(server: Server, user: Client, example: str, *arguments: str) -> str:
    """What an example prints."""
    environment = {
        "OPENAI_BASE_URL": f"{server.base_url}/v1",
        "OPENAI_API_KEY": user.headers["authorization"].split()[1],
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-W", "ignore", str(DOCS / "examples" / example), *arguments]
    done = subprocess.run(  # noqa: S603  # our own example
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_table_is_as_the_routes_are() -> None:
    command = [sys.executable, str(DOCS / "openai_table.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    assert done.returncode == 0, done.stderr


def test_the_quick_start_runs(server: Server, ann: Client, fake: FakeModel) -> None:
    fake.script("Because of the air.")
    told = run(server, ann, "quick_start.py")
    assert told == (
        "The run is completed\n"
        "user: Why is the sky blue in the morning?\n"
        "assistant: Because of the air.\n"
        "assistant: Because of the air.\n"
    )
    assert "The user is called Jane." in fake.chats()[0].body["messages"][0]["content"]


def test_file_search_runs(server: Server, ann: Client, fake: FakeModel, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text(REPORT)
    fake.script("Northwind employed 1,204 people at the end of 2025 [1].")
    told = run(server, ann, "file_search.py", str(report))
    assert told.splitlines()[:4] == [
        "1 of 1 files can be searched.",
        "The run is completed",
        "Northwind employed 1,204 people at the end of 2025. [1]",
        "  [1] report.md, page 1: “Northwind employed 1,204 people at the end of 2025.”",
    ]
    assert "report.md" in told.splitlines()[4]
