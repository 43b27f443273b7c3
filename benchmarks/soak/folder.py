"""A folder is read while plugs are pulled.

The shipped command reads a folder of mixed files into its embedded database. Everything, Postgres
too, is killed twice on the way, and once more while the passages move to another embedding model.
At the end every passage is compared with what reading the files in one go says.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from aiconvokit.embedded_postgres import EmbeddedPostgres
from benchmarks.soak.files import write_folder
from benchmarks.soak.verify import differences
from benchmarks.turns.servers import fake_model
from benchmarks.turns.vectors import MODEL

OTHER_MODEL = f"{MODEL}-2"
KILLED_AT = (0.25, 0.6)
"""Shares of the files that are searchable when a plug is pulled."""
MOVED_AT = 0.4
"""Share of the passages that have moved when the third one is pulled."""
POLL_SECONDS = 0.05
STILL_SECONDS = 600
"""Without any progress something hangs."""

_READY = "SELECT count(*) FROM document WHERE status IN ('ready', 'failed')"
_PASSAGES = "SELECT coalesce(sum(chunk_count), 0) FROM collection"
_SPACE = "SELECT id FROM embedding_space WHERE model = %s"


@dataclass(slots=True)
class Run:
    """One product on one data folder."""

    data: Path
    folder: Path
    model_url: str
    url: str = ""

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command of ours as a person would."""
        environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251  # a process is started
            "AICONVOKIT_DATA_DIR": str(self.data),
            "OPENAI_BASE_URL": self.model_url,
            "OPENAI_API_KEY": "sk-none",
            "AICONVOKIT_EMBEDDING_MODEL": MODEL,
        }
        return subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "aiconvokit", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ingest(self) -> "subprocess.Popen[str]":
        """Read the folder."""
        return self.command(
            "ingest", str(self.folder), "--recursive", "--create", "Folder", "--json"
        )

    def number(self, query: str, *values: object) -> int:
        """A number from the database; 0 while it is not there."""
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                row = connection.execute(query.encode(), values).fetchone()
        except psycopg.Error:
            return 0
        return int(row[0]) if row and row[0] is not None else 0

    def pull(self, process: "subprocess.Popen[str]") -> None:
        """SIGKILL for the command, for Postgres, and for all that they started."""
        command = psutil.Process(process.pid)
        doomed = [command, *command.children(recursive=True)]
        for found in psutil.process_iter(["cmdline"]):
            if str(self.data) in " ".join(found.info["cmdline"] or ()):
                doomed += [found, *found.children(recursive=True)]
        for one in doomed:
            _kill(one)
        psutil.wait_procs(doomed, timeout=10)
        process.communicate()


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def soak(count: int, seed: int, tell: Callable[[str], None]) -> list[str]:
    """Read that many files through three pulled plugs; what is wrong at the end, in sentences."""
    with _prepared(count, seed, tell) as (run, paths):
        for share in KILLED_AT:
            _pull_when(run, run.ingest(), lambda: run.number(_READY), int(share * count), tell)
        _finish(run.ingest(), tell, (0, 1))  # 1: the broken ones
        with EmbeddedPostgres(run.data):
            passages = run.number(_PASSAGES)
            tell(f"{run.number(_READY):,} documents, {passages:,} passages")
        move = ("reindex", "--to", OTHER_MODEL, "--json")
        enough = int(MOVED_AT * passages)
        _pull_when(run, run.command(*move), lambda: _moved(run), enough, tell)
        _finish(run.command(*move), tell, (0,))
        _finish(run.command("check", "--json"), tell, (0,))
        with EmbeddedPostgres(run.data):
            return list(differences(run.url, run.folder, paths, OTHER_MODEL))


@contextmanager
def _prepared(
    count: int, seed: int, tell: Callable[[str], None]
) -> Iterator[tuple[Run, Sequence[Path]]]:
    with tempfile.TemporaryDirectory(prefix="ack-") as scratch, fake_model() as model:
        Path(scratch).chmod(0o711)  # Postgres may run as another user
        folder = Path(scratch) / "folder"
        paths = write_folder(folder, count, seed)
        tell(f"{count} files, {sum(path.stat().st_size for path in paths):,} bytes, seed {seed}")
        run = Run(Path(scratch) / "data", folder, model.base_url)
        with EmbeddedPostgres(run.data) as url:
            run.url = url
        yield run, paths


def _moved(run: Run) -> int:
    space = run.number(_SPACE, OTHER_MODEL)
    return run.number(f"SELECT count(*) FROM vec_{space:d}") if space else 0  # noqa: S608  # ours


def _pull_when(
    run: Run,
    process: "subprocess.Popen[str]",
    reached: Callable[[], int],
    enough: int,
    tell: Callable[[str], None],
) -> None:
    """Let a command go on until so much is done, then kill everything."""
    began, best, since = time.monotonic(), 0, time.monotonic()
    while (now := reached()) < enough and process.poll() is None:
        if now > best:
            best, since = now, time.monotonic()
        if time.monotonic() - since > STILL_SECONDS:
            run.pull(process)
            raise RuntimeError(f"Nothing moved for {STILL_SECONDS} s at {best} of {enough}.")
        time.sleep(POLL_SECONDS)
    run.pull(process)
    tell(f"killed at {now} (of {enough} wanted) after {time.monotonic() - began:.0f} s")


def _finish(
    process: "subprocess.Popen[str]", tell: Callable[[str], None], codes: Sequence[int]
) -> None:
    """Let a command end; it must do so with one of the codes."""
    began = time.monotonic()
    output = process.communicate()[0]
    said = _short(output)
    if process.returncode not in codes:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {said}")
    tell(f"{said} ({time.monotonic() - began:.0f} s)")


def _short(output: str) -> str:
    """The last line; of JSON, lists as their lengths."""
    last = output.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
    except ValueError:
        return last[:300]
    if not isinstance(found, dict):
        return last[:300]
    short = {key: len(one) if isinstance(one, list | dict) else one for key, one in found.items()}
    return json.dumps(short)
