"""The storm itself: users work, processes die, then it is quiet and everything is looked at."""

import random
import re
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres import EmbeddedPostgres
from benchmarks.soak.storm.ledger import Traffic
from benchmarks.soak.storm.processes import Kept, Launch, free_port, kill_postgres
from benchmarks.soak.storm.user import User
from benchmarks.soak.storm.verdict import broken_promises, findings, wait_for_quiet

USERS = 4
DOCUMENTS = 5
"""That each has before the storm begins, and whose reading it interrupts."""
PAUSES = (0.3, 3.0)
"""Between two kills, in seconds."""
VICTIMS = {"server": 4, "worker": 4, "Postgres, killed": 1, "Postgres, stopped at once": 1}
"""How often each is chosen; each dies once at least."""
POSTGRES = {"Postgres, killed": signal.SIGKILL, "Postgres, stopped at once": signal.SIGQUIT}
CALM_SECONDS = 2.0
"""That users go on working when everybody is there again."""
TICK_SECONDS = 0.02
READY_SECONDS = 120
STOP_SECONDS = 30
"""A server that nobody asks anything stops within this."""
_TRACEBACK = re.compile(r"^Traceback.*?^\w[^\n]*", re.MULTILINE | re.DOTALL)


@dataclass(slots=True)
class Storm:
    """What came of one."""

    traffic: Traffic = field(default_factory=Traffic)
    kills: list[tuple[str, float]] = field(default_factory=list)
    """Who, and when by the monotonic clock."""
    given_up: list[int] = field(default_factory=list)
    """Exit codes of processes that ended while Postgres was away, and were started again."""
    quiet_after: float = 0.0
    """Seconds after the last restart until nothing was in work any more."""
    promises: int = 0
    cut_off: int = 0
    """Uploads that left bytes, since their server died before their row was there."""
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The figures."""
        told, died = self.traffic, Counter(name for name, _ in self.kills)
        yield f"{len(self.kills)} kills: " + ", ".join(
            f"{who} {n} times" for who, n in died.items()
        )
        refused = ", ".join(f"{what} {n} times" for what, n in told.refused.most_common())
        yield (
            f"{told.sent:,} requests: {told.acknowledged:,} acknowledged, {told.lost} lost, "
            f"{told.unreachable} not taken, {sum(told.refused.values())} refused ({refused})"
        )
        yield f"{len(self.given_up)} ended by themselves, since Postgres died while they started"
        yield f"slowest 503 after {told.slowest_refusal:.1f} s"
        for who in ("server", "Postgres"):
            seconds = sorted(
                seconds
                for name, at in self.kills
                if name.startswith(who) and (seconds := told.recovered(at)) is not None
            )
            if seconds:
                middle = seconds[len(seconds) // 2]
                yield f"{who} killed to first 2xx: median {middle:.1f} s, most {seconds[-1]:.1f} s"
        yield f"nothing in work any more {self.quiet_after:.1f} s after the last restart"
        yield f"{self.promises:,} promises looked at; {self.cut_off} cut off uploads left bytes"
        yield f"{len(self.wrong)} findings"


def storm(seconds: float, seed: int, environment: Mapping[str, str], launch: Launch) -> Storm:
    """Let one pass over a new server.

    Args:
        seconds: how long.
        seed: of what the users do and of who dies when; what comes of it differs all the same.
        environment: the models, and what else the commands are told.
        launch: how they are started.
    """
    chance = random.Random(seed)  # noqa: S311  # the same each time
    found = Storm()
    with ExitStack() as at_end:
        folder = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="ack-")))
        folder.chmod(0o711)  # Postgres may run as another user
        data, log, port = folder / "data", folder / "log", free_port()
        url = at_end.enter_context(EmbeddedPostgres(data))
        schema.upgrade(url)
        told = {**environment, "AICONVOKIT_DATA_DIR": str(data), "AICONVOKIT_LIMITS": "off"}
        commands = {
            "server": ("serve", "--no-worker", "--port", str(port)),
            "worker": ("worker",),
        }
        kept = {
            name: Kept(lambda arguments=arguments: launch(arguments, told, log))  # type: ignore[misc]  # mypy cannot infer it
            for name, arguments in commands.items()
        }
        for one in kept.values():
            at_end.callback(one.end)
        base = f"http://127.0.0.1:{port}"
        _wait_until_ready(base, kept)
        users = [User(f"user{n}", base, found.traffic, seed * 100 + n) for n in range(USERS)]
        for user in users:
            user.arrive(DOCUMENTS)
        with _working(users):
            _rage(found, kept, data, _schedule(chance, seconds))
            _wait_until_ready(base, kept)
            time.sleep(CALM_SECONDS)
        _wait_until_ready(base, kept)
        found.quiet_after = wait_for_quiet(url)
        for user in users:
            found.wrong += broken_promises(user)
            found.promises += len(user.ledger.there) + len(user.ledger.gone)
            user.close()
        found.given_up = [code for one in kept.values() for code in one.given_up]
        found.wrong += _stopped(kept)
        wrong, found.cut_off = findings(url, data, _settings(told))
        found.wrong += [*wrong, *found.traffic.wrong, *_tracebacks(log)]
    return found


def _schedule(chance: random.Random, seconds: float) -> list[tuple[float, str]]:
    """When whom to kill: seconds from the beginning, in their order."""
    times, now = [], chance.uniform(*PAUSES)
    while now < seconds:
        times.append(now)
        now += chance.uniform(*PAUSES)
    more = chance.choices(list(VICTIMS), list(VICTIMS.values()), k=len(times))
    victims = [*VICTIMS, *more][: len(times)]
    chance.shuffle(victims)
    return list(zip(times, victims, strict=True))


def _rage(
    found: Storm, kept: Mapping[str, Kept], data: Path, schedule: list[tuple[float, str]]
) -> None:
    """Kill by schedule; who is not there just then dies as soon as they are."""
    began, due = time.monotonic(), list(schedule)
    while due:
        _look_after(kept)
        at, victim = due[0]
        if time.monotonic() - began >= at and _kill(kept, data, victim):
            found.kills.append((victim, time.monotonic()))
            due.pop(0)
        time.sleep(TICK_SECONDS)
    _look_after(kept)


def _look_after(kept: Mapping[str, Kept]) -> None:
    for one in kept.values():
        one.look()


def _kill(kept: Mapping[str, Kept], data: Path, victim: str) -> bool:
    if victim in POSTGRES:
        return kill_postgres(data, POSTGRES[victim])
    return kept[victim].kill()


@contextmanager
def _working(users: list[User]) -> Iterator[None]:
    """All of them, each in a thread, as long as the block lasts."""
    over = threading.Event()
    threads = [threading.Thread(target=user.work, args=[over.is_set]) for user in users]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _wait_until_ready(base: str, kept: Mapping[str, Kept]) -> None:
    deadline, said = time.monotonic() + READY_SECONDS, "nothing"
    with httpx.Client(base_url=base, trust_env=False) as client:
        while time.monotonic() < deadline:
            _look_after(kept)  # one may have ended since Postgres died while it started
            try:
                answer = client.get("/health/ready")
            except httpx.TransportError as error:
                said = repr(error)
            else:
                said = answer.text
                if answer.status_code == 200:
                    return
            time.sleep(TICK_SECONDS)
    raise RuntimeError(f"The server was not ready within {READY_SECONDS} s: {said}")


def _stopped(kept: Mapping[str, Kept]) -> Iterator[str]:
    """Ask both to stop; what is wrong with that."""
    for name, one in kept.items():
        code, seconds = one.stop()
        if code != 0 or seconds > STOP_SECONDS:
            yield f"the {name} ended with {code} after {seconds:.0f} s"


def _tracebacks(log: Path) -> Iterator[str]:
    for one in _TRACEBACK.findall(log.read_text("utf-8", "replace")):
        yield f"in the log: {one[:300]} … {one[-300:]}"


def _settings(environment: Mapping[str, str]) -> Settings:
    """For a check in this process, which asks no model."""
    return Settings(
        openai_base_url=environment["OPENAI_BASE_URL"],
        embedding_model=environment["AICONVOKIT_EMBEDDING_MODEL"],
    )
