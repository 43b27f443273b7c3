"""One run: a filled database, the fake model, a server, and jobs for the load process."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from benchmarks.turns.fill import PASSWORD, USER, Tell
from benchmarks.turns.processes import Meter
from benchmarks.turns.servers import Server, serving
from benchmarks.turns.work import Job, Kind, Outcome


@dataclass(frozen=True, slots=True)
class Measured:
    """An outcome, and the CPU seconds that were used meanwhile by name of a process tree."""

    outcome: Outcome
    cpu: Mapping[str, float]

    def milliseconds(self, name: str) -> float | None:
        """CPU of one process tree for one answer; None: it is not on this machine."""
        used = self.cpu.get(name)
        return None if used is None else 1_000 * used / self.outcome.count


@dataclass(frozen=True, slots=True)
class Bench:
    """What stays the same in a run on one database."""

    database_url: str
    model: Server
    postmaster: int | None
    questions: Sequence[str]
    seconds: float
    tell: Tell

    @contextmanager
    def on(self, model: str, **settings: str) -> Iterator["Desk"]:
        """Our server with a chat model of that name, and a user who is logged in."""
        told = {"AICONVOKIT_CHAT_MODEL": model, **settings}
        with serving(self.database_url, self.model.base_url, told, "--no-worker") as server:
            login = {"username": USER, "password": PASSWORD}
            token = _post(f"{server.base_url}/tokens/", login)["token"]
            self.tell(f"the server with model {model} is process {server.pid}")
            yield Desk(self, server, token, tuple(_assistants(server.base_url, token)))


@dataclass(frozen=True, slots=True)
class Desk:
    """A logged-in user's view of one server."""

    bench: Bench
    server: Server
    token: str
    assistant_ids: tuple[int, ...]

    def run(self, kind: Kind, at_once: int = 1, **changes: Any) -> Measured:
        """Measure our server."""
        return self._measure(self.job(kind, at_once, **changes))

    def job(self, kind: Kind, at_once: int, **changes: Any) -> Job:
        """A job on our server, as this user."""
        job = Job(
            kind,
            self.server.base_url,
            at_once,
            self.bench.seconds,
            token=self.token,
            assistant_ids=self.assistant_ids,
            questions=tuple(self.bench.questions),
        )
        return msgspec.structs.replace(job, **changes)

    def new_chats(self, count: int) -> tuple[int, ...]:
        """Ids of new chats with the first assistant."""
        body = {"assistant_id": self.assistant_ids[0]}
        made = (_post(f"{self.server.base_url}/chat/", body, self.token) for _ in range(count))
        return tuple(int(one["id"]) for one in made)

    def ask_model(self, kind: Kind, at_once: int = 1, model: str = "fake") -> Measured:
        """Measure the model asked directly, with a prompt as long as the last turn's."""
        url = self.bench.model.base_url.removesuffix("/v1")
        job = Job(
            kind,
            self.bench.model.base_url,
            at_once,
            self.bench.seconds,
            model=model,
            prompt_characters=_get(f"{url}/stats", None)["characters"],
            questions=tuple(self.bench.questions),
        )
        return self._measure(job)

    def _measure(self, job: Job) -> Measured:
        pids = {"app": self.server.pid, "model": self.bench.model.pid}
        if self.bench.postmaster is not None:
            pids["postgres"] = self.bench.postmaster
        with loading("benchmarks.turns.load", job) as load:
            meter = Meter(pids)
            told = load.go()
            used = meter.read()
        outcome = msgspec.json.decode(told, type=Outcome)
        if outcome.errors or not outcome.seconds:
            raise RuntimeError(f"{job.kind}: {outcome.errors or 'no answers'}")
        return Measured(outcome, used)


class Load:
    """A load process that has said that it is ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def line(self) -> str:
        """The next thing it says."""
        if self._process.stdout is None:
            raise RuntimeError
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The load process ended.")
        return line

    def go(self) -> str:
        """Let it go on; what it says next."""
        if self._process.stdin is None:
            raise RuntimeError
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.line()


@contextmanager
def loading(module: str, job: Job) -> Iterator[Load]:
    """A load process with its job, once it is ready."""
    with subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if process.stdin is None:
            raise RuntimeError
        process.stdin.write(msgspec.json.encode(job).decode() + "\n")
        process.stdin.flush()
        load = Load(process)
        load.line()
        try:
            yield load
        finally:
            process.stdin.close()


def _assistants(base_url: str, token: str) -> Iterator[int]:
    """Ids of all assistants of a user, page by page."""
    last = 0
    while found := _get(f"{base_url}/assistants/?after={last}", token):
        for one in found:
            last = int(one["id"])
            yield last


def _get(url: str, token: str | None) -> Any:
    headers = {"authorization": f"Token {token}"} if token else {}
    return _open(urllib.request.Request(url, headers=headers))  # noqa: S310  # our own server


def _post(url: str, body: Mapping[str, Any], token: str | None = None) -> Any:
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Token {token}"
    data = json.dumps(body).encode()
    return _open(urllib.request.Request(url, data, headers))  # noqa: S310  # our own server


def _open(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # our own server
        return json.loads(cast("bytes", answer.read()))
