"""The rows of the table, each by the jobs that it takes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from benchmarks.turns.figures import MIB
from benchmarks.turns.hold import Held
from benchmarks.turns.index import indexed
from benchmarks.turns.processes import memory
from benchmarks.turns.session import Bench, Desk, loading

AT_ONCE = 16
AT_ONCE_WAITING = 64
AT_ONCE_MODEL = "fake"
WAITING_MODEL = "fake@300"
HELD_MODEL = "fake@0x0.1"
"""One token in ten seconds: a stream stays open for minutes."""
HELD_SETTINGS = {"AICONVOKIT_CHAT_DEADLINE_SECONDS": "1200"}
STARTS = 3
"""The last one counts: files and tables are in memory then."""
SETTLE_SECONDS = 1.0

Figures = dict[str, float | None]


def turns(bench: Bench, _streams: int) -> Figures:
    """A turn as one answer, the model at 0 ms."""
    with bench.on(AT_ONCE_MODEL) as desk:
        one, many = desk.run("turn"), desk.run("turn", AT_ONCE)
        raw = desk.ask_model("model")
    if not one.outcome.cited:
        raise RuntimeError("No answer cited anything: the proof of citations had no work.")
    return {
        "app_cpu_1": one.milliseconds("app"),
        "app_cpu_16": many.milliseconds("app"),
        "postgres_cpu_1": one.milliseconds("postgres"),
        "postgres_cpu_16": many.milliseconds("postgres"),
        "rate_16": many.outcome.rate,
        "turn_over": 1_000 * (one.outcome.p50 - raw.outcome.p50),
    }


def first(bench: Bench, _streams: int) -> Figures:
    """The first piece of a streamed turn."""
    with bench.on(AT_ONCE_MODEL) as desk:
        return {
            "first_over_1": _first_over(desk, 1),
            "first_over_16": _first_over(desk, AT_ONCE),
        }


def _first_over(desk: Desk, at_once: int) -> float:
    """Milliseconds until the first piece over the model's first token, medians.

    The model is asked by one client: what it takes longer for many is not its own time.
    """
    turn = desk.run("turn stream", at_once)
    raw = desk.ask_model("model stream")
    return 1_000 * (turn.outcome.first_p50 - raw.outcome.first_p50)


def waiting(bench: Bench, _streams: int) -> Figures:
    """Many turns at once that wait for a model."""
    with bench.on(WAITING_MODEL) as desk:
        return {"rate_waiting": desk.run("turn", AT_ONCE_WAITING).outcome.rate}


def searches(bench: Bench, _streams: int) -> Figures:
    """A search without a turn."""
    with bench.on(AT_ONCE_MODEL) as desk:
        return {"search": 1_000 * desk.run("search").outcome.p50}


def index(bench: Bench, streams: int) -> Figures:
    """The parts before, with an index on the vectors; their figures end in _index."""
    with indexed(bench.database_url):
        measured = [part(bench, streams) for part in (turns, first, waiting, searches)]
    return {f"{name}_index": figure for one in measured for name, figure in one.items()}


def held(bench: Bench, streams: int) -> Figures:
    """Memory of the API process: idle, and with many streams open."""
    with bench.on(HELD_MODEL, **HELD_SETTINGS) as desk:
        time.sleep(SETTLE_SECONDS)
        idle = _mib(desk.server.pid)
        if not streams_at_all(bench):
            return {"idle": idle}
        with loading("benchmarks.turns.hold", desk.job("turn stream", streams)) as load:
            told = msgspec.json.decode(load.go(), type=Held)
            if told.errors:
                raise RuntimeError(f"{told.open} of {streams} streams: {told.errors}")
            return {"idle": idle, "streams": _mib(desk.server.pid)}


def starts(bench: Bench, _streams: int) -> Figures:
    """From the start of `serve` until it is ready."""
    seconds = 0.0
    for _ in range(STARTS):
        with bench.on(AT_ONCE_MODEL) as desk:
            seconds = desk.server.start_seconds
    return {"start": seconds}


def streams_at_all(bench: Bench) -> bool:
    """Whether the server streams when it is asked to."""
    with bench.on(AT_ONCE_MODEL) as desk:
        return desk.run("turn stream", seconds=0.2).outcome.streamed


def _mib(pid: int) -> float:
    """PSS where it is known: what a peer's workers share is not counted twice."""
    found = memory(pid)
    return (found.pss or found.rss) / MIB


PARTS: Mapping[str, Callable[[Bench, int], Figures]] = {
    "turns": turns,
    "first": first,
    "waiting": waiting,
    "search": searches,
    "index": index,
    "memory": held,
    "start": starts,
}


def measure(bench: Bench, streams: int, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """The figures of all wanted parts."""
    figures: Figures = {}
    for name, part in PARTS.items():
        if wanted(name):
            bench.tell(f"measuring: {name}")
            figures |= part(bench, streams)
    return figures
