"""The demo ends well on a machine that has nothing but the package."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from support.server import data_folder, server_environment

DECOY = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A model server is configured, which the demo must not ask."""
    with data_folder() as folder:
        found = server_environment(str(folder), "postgresql://nobody@127.0.0.1:9/none", DECOY)
        yield found | {"AICONVOKIT_CHAT_MODEL": "decoy"}


def demo(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "aiconvokit", "demo", "--exit"]
    return subprocess.run(  # noqa: S603  # our own command
        command, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_four_answers_cite_the_right_page_and_the_fifth_abstains(
    environment: dict[str, str],
) -> None:
    first = demo(environment)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "5 of 5 as they should be." in first.stdout
    assert "annual_report.pdf, page 36" in first.stdout
    assert re.search(
        r"See it in a browser: http://\S+/#/assistants/1/chat\n  log in as demo, password \S+\n",
        first.stdout,
    )
    assert "Traceback" not in first.stderr


def test_a_second_run_knows_the_documents(environment: dict[str, str]) -> None:
    second = demo(environment)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "known already" in second.stdout
