"""The server, the worker and Postgres of a storm: started, killed, and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

STOP_SECONDS = 60


class Process(Protocol):
    """What a storm needs of a process; subprocess.Popen has it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code, minus a signal's number; None while it runs."""

    def wait(self, timeout: float) -> int:
        """Its exit code, waited for."""

    def send_signal(self, number: int, /) -> None:
        """Send it."""


Launch = Callable[[Sequence[str], Mapping[str, str], Path], Process]
"""Starts `aiconvokit` with arguments, in an environment, its output at the end of a file."""


def launch(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """As a service manager does it: a new interpreter, which takes two seconds to be there."""
    path = {"PATH": os.environ["PATH"]}  # noqa: TID251  # a process is started
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "aiconvokit", *arguments],
            env={**path, **environment},
            stdout=out,
            stderr=out,
        )


class Kept:
    """A command that is started again as soon as it has ended."""

    def __init__(self, start: Callable[[], Process]) -> None:
        self._start = start
        self._process = start()
        self.given_up: list[int] = []
        """Exit codes of those that nobody killed."""

    def look(self) -> None:
        """Start it again where it has ended."""
        code = self._process.poll()
        if code is not None:
            if code != -signal.SIGKILL:
                self.given_up.append(code)
            self._process = self._start()

    def kill(self) -> bool:
        """SIGKILL; False when it is not there."""
        if self._process.poll() is not None:
            return False
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        return True

    def stop(self) -> tuple[int, float]:
        """SIGTERM: its exit code, and the seconds that it took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS), time.monotonic() - began

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_SECONDS)


def kill_postgres(data: Path, number: int) -> bool:
    """SIGKILL or SIGQUIT (an immediate stop) for an embedded server; False when it is not there."""
    try:
        pid = int((data / "postgres/postmaster.pid").read_text("ascii").split()[0])
        is_it = b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return False
    if is_it:
        os.kill(pid, number)
    return is_it


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
