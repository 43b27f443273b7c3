"""The figures as tables."""

from collections.abc import Sequence

import msgspec

from benchmarks.ingestion.run import Files
from benchmarks.ingestion.store import Rate
from benchmarks.printing import table


class Result(msgspec.Struct):
    """What was measured."""

    machine: str
    files: list[Files] = msgspec.field(default_factory=list)
    growth: list[Rate] = msgspec.field(default_factory=list)


def report(result: Result) -> str:
    """The tables with the machine above them."""
    parts = [f"{result.machine}\n"]
    if result.files:
        parts.append(_files(result.files))
    if result.growth:
        parts.append(_growth(result.growth))
    return "\n".join(parts)


def _files(runs: Sequence[Files]) -> str:
    """One column a run."""
    first = runs[0]
    what = (
        f"{first.files} files ({first.bytes / 1e6:.1f} MB), {first.pages:,} pages, "
        f"{first.passages:,} passages"
    )
    rows = {
        "pages/s": [f"{run.pages / run.wall:.1f}" for run in runs],
        "passages/s": [f"{run.passages / run.wall:.0f}" for run in runs],
        "pages a CPU second, Postgres apart": [f"{run.pages / run.app_cpu:.1f}" for run in runs],
        "CPU of server, worker and parsers, s": [f"{run.app_cpu:.1f}" for run in runs],
        "CPU of Postgres, s": [_number(run.postgres_cpu) for run in runs],
        "wall, s": [f"{run.wall:.1f}" for run in runs],
        "most memory (PSS / RSS), MiB": [f"{run.peak:.0f} / {run.peak_rss:.0f}" for run in runs],
        "failed": [str(run.failed) for run in runs],
    }
    head = ["end to end", *(f"run {number}" for number in range(1, len(runs) + 1)), "must", "aim"]
    aims = {
        "pages/s": ("≥ 120", "≥ 200"),
        "pages a CPU second, Postgres apart": ("≥ 80", "≥ 150"),
        "most memory (PSS / RSS), MiB": ("≤ 400", "≤ 250"),
    }
    found = [[name, *cells, *aims.get(name, ("", ""))] for name, cells in rows.items()]
    return f"{what}\n\n{_table(head, found)}"


def _growth(rates: Sequence[Rate]) -> str:
    head = ["passages stored", "stage and swap, passages/s", "passages a second of Postgres' CPU"]
    found = [
        [
            f"{rate.stored:,}",
            f"{rate.passages / rate.wall:,.0f}",
            _number(rate.passages / rate.postgres_cpu if rate.postgres_cpu else None),
        ]
        for rate in rates
    ]
    return _table([*head, "must", "aim"], [[*row, "≥ 5,000", "≥ 9,000"] for row in found])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([*table([head, *rows]), ""])


def _number(found: float | None) -> str:
    return "-" if found is None else f"{found:,.1f}"
