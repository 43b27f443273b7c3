"""Without any network the shipped command starts, reads a document and answers from it."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.server import data_folder

INSIDE = Path(__file__).with_name("behind_an_air_gap.py")
UNSHARE = ["unshare", "--net"]
if os.geteuid() != 0:
    UNSHARE += ["--user", "--map-current-user", "--keep-caps"]


def test_a_server_without_a_network_answers() -> None:
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            pytest.skip(
                f"This machine has no `{program}`, which makes a namespace for the network."
            )
    tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if tried.returncode != 0:
        pytest.skip(f"This machine makes no namespace for the network: {tried.stderr.strip()}")
    with data_folder() as folder:
        command = [*UNSHARE, sys.executable, str(INSIDE), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outside"] == f"OSError{errno.ENETUNREACH}", "the test can fail: there is no route"
    assert (told["document"], told["model"]) == ("ready", "extractive"), told
    assert "EUR 900 a month" in told["output"]
    assert (told["code"], "Traceback" in told["log"]) == (0, False), told["log"]
