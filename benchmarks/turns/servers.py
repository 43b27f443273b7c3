"""The processes of a run: the fake model server and the shipped `aiconvokit serve`."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.turns.vectors import MODEL

START_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `start_seconds` went by from its start until it was ready."""

    base_url: str
    pid: int
    start_seconds: float


@contextmanager
def fake_model() -> Iterator[Server]:
    """The fake model server; `base_url` ends in /v1."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.turns.fake", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, {}, f"{url}/stats") as (pid, seconds):
        yield Server(f"{url}/v1", pid, seconds)


@contextmanager
def serving(
    database_url: str, model_url: str, settings: Mapping[str, str], *flags: str
) -> Iterator[Server]:
    """`aiconvokit serve` with flags and settings of one's own, from ready to stopped."""
    port = free_port()
    command = [sys.executable, "-m", "aiconvokit", "serve", *flags, "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="ack-bench-") as folder:
        environment = {
            "DATABASE_URL": database_url,
            "OPENAI_BASE_URL": model_url,
            "OPENAI_API_KEY": "sk-none",
            "AICONVOKIT_EMBEDDING_MODEL": MODEL,
            "AICONVOKIT_LIMITS": "off",
            "AICONVOKIT_DATA_DIR": f"{folder}/data",
            **settings,
        }
        with running(command, environment, f"{url}/health/ready") as (pid, seconds):
            yield Server(f"{url}/api/v1", pid, seconds)


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], probe: str
) -> Iterator[tuple[int, float]]:
    """A process until the end of the block, once it answers with 200: its pid and the seconds."""
    path = os.environ["PATH"]  # noqa: TID251  # a process is started
    with tempfile.NamedTemporaryFile(prefix="ack-bench-", suffix=".log") as log:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  # our own commands
            command, stdout=log, stderr=subprocess.STDOUT, env={"PATH": path, **environment}
        )
        try:
            while not _answers(probe):
                late = time.perf_counter() - began > START_SECONDS
                if late or process.poll() is not None:
                    raise RuntimeError(Path(log.name).read_text("utf-8", "replace"))
                time.sleep(POLL_SECONDS)
            yield process.pid, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        _complain(Path(log.name).read_text("utf-8", "replace"))


def _complain(log: str) -> None:
    """A run whose server broke tells nothing."""
    if "Traceback" in log:
        sys.stderr.write(f"The server's log:\n{log[-4_000:]}\n")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
