"""What a server's process does without: it stays as long as the server does."""

import subprocess
import sys

NOT_NEEDED = {"alembic", "httpx", "pygments", "rich", "sqlite3"}


def test_a_server_has_nothing_of_the_other_commands() -> None:
    told = "import sys, aiconvokit.cli.serve; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", told]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # ours
    loaded = run.stdout.split()
    assert "aiconvokit.app" in loaded
    assert not NOT_NEEDED.intersection(loaded)
