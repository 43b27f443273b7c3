"""Search with and without each of its ingredients: `python -m benchmarks.retrieval DATA`.

Asks all sets below a folder (docs/evaluation.md) and prints one table in Markdown. The index and
the vectors are those of `aiconvokit eval`.
"""

import argparse
import asyncio
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.cli.serve import worker_beside
from aiconvokit.evals import home
from aiconvokit.evals.ask import ask
from aiconvokit.evals.load import LoadedSet, load
from aiconvokit.evals.metrics import differences, figures, percentiles
from aiconvokit.evals.read import find_sets
from aiconvokit.evals.sets import QuestionSet
from aiconvokit.evals.vector_cache import caching
from aiconvokit.services import Services
from benchmarks.ablations import FULL, VARIANTS, Found, Variant, ask_variant, found
from benchmarks.baselines import CUTS, ask_windows
from benchmarks.machine import machine
from benchmarks.printing import table, tell

AT_ONCE = 2
"""Variants side by side; the recipe itself is timed alone."""
DEPTHS = (5, 10)


@dataclasses.dataclass(slots=True)
class Column:
    """One set, or several of a kind taken together: results by variant, times of the recipe."""

    by_variant: dict[str, dict[str, Sequence[int | None]]]
    ms: list[float]

    def add(self, name: str, variant: str, results: Found) -> None:
        """Results of a set; the same question may be asked in several sets."""
        kept = self.by_variant.setdefault(variant, {})
        kept.update({f"{name} {key}": ranks for key, ranks in results.items()})


Columns = dict[str, Column]


def column_of(loaded: LoadedSet) -> str:
    """Parallel sets in several languages share a column, and so do those asked crosswise."""
    family, _, language = loaded.set.name.partition("/")
    if not language:
        return loaded.name
    _, _, into = language.partition("->")
    return f"{family} into {into}" if into else f"{family}, own language"


async def measure(services: Services, wanted: Sequence[QuestionSet], *, baselines: bool) -> Columns:
    """Ask all sets."""
    columns: Columns = {}

    def reading() -> AbstractAsyncContextManager[None]:
        return worker_beside(services, wanted=True)

    for one in wanted:
        for mode in one.modes:
            loaded = await load(services, one, mode, reading, tell)
            tell(f"{loaded.name}: asking")
            column = columns.setdefault(column_of(loaded), Column({}, []))
            await _measure(services, loaded, column)
            if baselines and one.level == "page":
                for name, cut in CUTS.items():
                    tell(f"{loaded.name}: {name}")
                    column.add(loaded.name, name, found(await ask_windows(services, loaded, cut)))
    return columns


async def _measure(services: Services, loaded: LoadedSet, column: Column) -> None:
    asked = await ask(services, loaded)
    column.ms += [one.ms for one in asked]
    results: dict[str, Found] = {FULL: found(asked)}
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask_one(variant: Variant) -> Found | None:
        async with turns:
            return await ask_variant(services, loaded, variant, results[variant.base])

    for wave in (
        [one for one in VARIANTS if one.base == FULL],
        [one for one in VARIANTS if one.base != FULL],
    ):
        async with asyncio.TaskGroup() as group:
            made = {variant: group.create_task(ask_one(variant)) for variant in wave}
        for variant, task in made.items():
            results[variant.name] = task.result() or results[variant.base]
    for name, one in results.items():
        column.add(loaded.name, name, one)


def recalls(columns: Mapping[str, Column]) -> list[str]:
    """Markdown: a row a variant, a column a set."""
    rows = [
        ["recall@5 / @10", *columns],
        ["questions", *(str(len(one.by_variant[FULL])) for one in columns.values())],
        ["search p50 / p95, ms", *(_times(one) for one in columns.values())],
    ]
    for name in [FULL, *(one.name for one in VARIANTS), *CUTS]:
        cells = [_cell(one, name) for one in columns.values()]
        if any(cells):
            rows.append([name, *cells])
    return table(rows)


def _times(column: Column) -> str:
    return " / ".join(f"{one:.0f}" for one in percentiles(column.ms, (50, 95), 0).values())


def _cell(column: Column, variant: str) -> str:
    """The figures, and the differences to the recipe whose interval is without 0."""
    results, full = column.by_variant.get(variant), column.by_variant[FULL]
    if results is None:
        return ""
    if variant != FULL and results == full:
        return "="
    means = figures(list(results.values()))
    cell = " / ".join(_short(means[f"recall@{depth}"].mean) for depth in DEPTHS)
    if variant == FULL:
        return cell
    changes = differences(full, results)
    for depth in DEPTHS:
        one = changes[f"recall@{depth}"]
        if one.low > 0 or one.high < 0:
            interval = f"{_signed(one.low)} {_signed(one.high)}"
            cell += f"<br>@{depth} **{_signed(one.mean)}** [{interval}]"
    return cell


def _short(number: float) -> str:
    """Without the 0 before the point."""
    return f"{number:.3f}".replace("0.", ".", 1)


def _signed(number: float) -> str:
    return f"{number:+.3f}".replace("0.", ".", 1)


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval")
    parser.add_argument("sets", nargs="+", type=Path, metavar="DATA", help="a set, or a folder of")
    parser.add_argument("--baselines", action="store_true", help="fixed windows, too (embeds them)")
    arguments = parser.parse_args()
    log_to_stderr()
    wanted = find_sets(arguments.sets)
    began, where = time.monotonic(), machine()
    settings = load_settings()
    folder = home.home(settings.data_dir)

    async def act(services: Services) -> tuple[str, Columns]:
        async with caching(services, folder / home.VECTORS) as cached:
            columns = await measure(cached, wanted, baselines=arguments.baselines)
            return cached.embedder.model, columns

    model, columns = with_services(home.on_own_index(settings, folder), act)
    minutes = (time.monotonic() - began) / 60
    about = f"{datetime.now(UTC):%Y-%m-%d}, {model}; {where} at the start, "
    about += f"{psutil.getloadavg()[0]:.1f} at the end; {minutes:.0f} minutes"
    sys.stdout.write("\n".join([about, "", *recalls(columns)]) + "\n")


if __name__ == "__main__":
    main()
