"""Starts the shipped commands as forks of one process that has imported them already.

A test's server is a process of its own, with its own environment, as the shipped command makes it;
only the two seconds of imports are saved, two hundred times. The demo, the worker, `eval` and
whatever is killed half way are run as a person runs them.

Run as a script this file is that process: it reads requests from stdin, a JSON object a line.
"""

import contextlib
import importlib
import json
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.02


class Process:
    """A started command; what tests use of subprocess.Popen, and its environment."""

    def __init__(self, starter: "Starter", pid: int, environment: Mapping[str, str]) -> None:
        self.pid = pid
        self.environment = environment
        self.returncode: int | None = None
        self._starter = starter

    def poll(self) -> int | None:
        """Its exit code, minus a signal's number; None while it runs."""
        if self.returncode is None:
            self.returncode = self._starter.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Its exit code, waited for."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("aiconvokit", timeout)
            time.sleep(POLL_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Until it was polled its number is nobody else's."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Starter:
    """The process that forks; it ends with the one that has started it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # this file
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._turn = threading.Lock()

    def ask(self, **request: Any) -> Any:
        """A request's answer; tests run commands side by side."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it; what it started goes on."""
        self._process.communicate()


@cache
def starter() -> Starter:
    """The one of this process."""
    return Starter()


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path | None = None,
    stdin: Path = Path(os.devnull),
    patches: Sequence[Path] = (),
) -> Process:
    """Start `aiconvokit` with arguments, in an environment; None: stderr goes with stdout.

    Patches are scripts that run before it does, and break it on purpose.
    """
    files = [str(stdin), str(stdout), str(stderr or stdout)]
    request = {
        "arguments": list(arguments),
        "environment": dict(environment),
        "files": files,
        "patches": [str(one) for one in patches],
    }
    return Process(starter(), starter().ask(**request), environment)


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout: float,
    said: str = "",
) -> "subprocess.CompletedProcess[str]":
    """Run `aiconvokit` to its end, with something on its stdin, as subprocess.run does."""
    with tempfile.TemporaryDirectory(prefix="ack-") as folder:
        stdin, stdout, stderr = (Path(folder) / name for name in ("in", "out", "err"))
        stdin.write_text(said)
        process = start(arguments, environment, stdout, stderr, stdin)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(
            ["aiconvokit", *arguments], code, stdout.read_text(), stderr.read_text()
        )


def _serve() -> None:
    from aiconvokit.cli import COMMANDS, main  # noqa: PLC0415 - only here: tests need not all of it

    for module in COMMANDS.values():  # what is forked has them
        importlib.import_module(f"aiconvokit.cli.{module}")
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        elif (answer := os.fork()) == 0:
            _become(request)
            for patch in request["patches"]:
                runpy.run_path(patch)
            main()  # ends with SystemExit, as the command does
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _become(request: Mapping[str, Any]) -> None:
    os.environ.clear()  # noqa: TID251  # the process is a command from here on
    os.environ.update(request["environment"])  # noqa: TID251  # as above
    sys.argv = ["aiconvokit", *request["arguments"]]
    for place, path in enumerate(request["files"]):
        way = os.O_WRONLY | os.O_CREAT | os.O_APPEND if place else os.O_RDONLY
        os.dup2(os.open(path, way, 0o600), place)
    random.seed()


if __name__ == "__main__":
    _serve()
