"""The tables of a run, in Markdown."""

from collections.abc import Iterator

from benchmarks.printing import table
from benchmarks.turns.figures import Growth, Result, System, systems

_UNKNOWN = "-"
_Two = tuple[float | None, float | None]

_GOALS = (
    ("app CPU a turn, at 1 / 16; with index, ms", "≤ 6", "≤ 3.5"),
    ("Postgres CPU a turn, at 1 / 16; with index, ms", "", ""),
    ("turns/s, model at 0 ms, 16 at once: exact / index", "≥ 50 / ≥ 120", "≥ 80 / ≥ 250"),
    ("turns/s, model at 300 ms, 64 at once: exact / index", "≥ 120", "≥ 180"),
    ("turn over the raw model, p50 at 1: exact / index, ms", "≤ 30 / ≤ 18", "≤ 20 / ≤ 8"),
    (
        "first token over the model's, p50 at 1 / 16; with index, ms",
        "≤ 25 / ≤ 120",
        "≤ 10 / ≤ 40",
    ),
    ("search p50: exact / index, ms", "≤ 25 / ≤ 12", "≤ 15 / ≤ 6"),
    ("memory idle / with open streams, MiB", "≤ 130 / ≤ 450", "≤ 90 / ≤ 300"),
    ("start of `serve` to ready, database warm, s", "≤ 4", "≤ 2"),
)


def report(result: Result) -> str:
    """Everything that a run found."""
    return "\n".join([*_head(result), "", *_table(result), *_growth(result.growth)]) + "\n"


def _head(result: Result) -> Iterator[str]:
    yield (
        f"{result.machine}; {result.passages:,} passages in one collection, "
        f"{result.streams:,} open streams"
    )
    if not result.streamed:
        yield "The server did not stream: the first token is the whole answer."


def _table(result: Result) -> list[str]:
    columns = [*(one.name for one in systems(result)), "must", "aim"]
    measured = [list(_cells(one)) for one in systems(result)]
    rows = [
        [name, *(column[number] for column in measured), must, aim]
        for number, (name, must, aim) in enumerate(_GOALS)
    ]
    return table([["", *columns], *rows])


def _cells(one: System) -> Iterator[str]:
    """A system's cells in the order of `_GOALS`."""
    yield _pairs((one.app_cpu_1, one.app_cpu_16), (one.app_cpu_1_index, one.app_cpu_16_index))
    yield _pairs(
        (one.postgres_cpu_1, one.postgres_cpu_16),
        (one.postgres_cpu_1_index, one.postgres_cpu_16_index),
    )
    yield _pair(one.rate_16, one.rate_16_index)
    yield _pair(one.rate_waiting, one.rate_waiting_index)
    yield _pair(one.turn_over, one.turn_over_index)
    yield _pairs(
        (one.first_over_1, one.first_over_16), (one.first_over_1_index, one.first_over_16_index)
    )
    yield _pair(one.search, one.search_index)
    yield _pair(one.idle, one.streams)
    yield shown(one.start)


def _growth(rows: list[Growth]) -> Iterator[str]:
    if not rows:
        return
    head = ["a turn with", "app CPU, ms", "Postgres CPU, ms", "p50 at 1, ms"]
    cells = [
        [row.what, shown(row.app_cpu), shown(row.postgres_cpu), shown(row.wall)] for row in rows
    ]
    yield from ["", *table([head, *cells])]


def _pair(first: float | None, second: float | None) -> str:
    return f"{shown(first)} / {shown(second)}"


def _pairs(exact: _Two, with_index: _Two) -> str:
    """Both, where there is an index at all; the peers have none."""
    known = any(one is not None for one in with_index)
    return _pair(*exact) + (f"; {_pair(*with_index)}" if known else "")


def shown(value: float | None) -> str:
    """A number with what is worth telling of it: one decimal below 100."""
    if value is None:
        return _UNKNOWN
    return f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"
