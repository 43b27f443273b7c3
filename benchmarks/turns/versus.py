"""`python -m benchmarks.turns.versus FOLDER`: a turn here and in another checkout, by turns.

Both servers stand on one database, so the schema must be the same. On a machine whose speed differs
from hour to hour their ratio says more than two runs.
"""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.machine import machine
from benchmarks.turns.__main__ import WHOLE, Run, tell
from benchmarks.turns.databases import cluster
from benchmarks.turns.fill import Shape
from benchmarks.turns.measure import AT_ONCE, AT_ONCE_MODEL
from benchmarks.turns.servers import fake_model
from benchmarks.turns.session import Bench, Desk, Measured

ROUNDS = 5
SECONDS = 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser("benchmarks.turns.versus", description=__doc__)
    parser.add_argument("folder", type=Path, help="another checkout, with the same schema")
    there = parser.parse_args().folder.resolve()
    sys.stdout.write(f"{machine()}\n\n")  # before we load it
    with cluster() as found, fake_model() as model:
        run = Run(WHOLE, found, model)
        with run.bench(Shape(WHOLE.sizes.base)) as bench:
            here, other = _by_turns(replace(bench, seconds=SECONDS), (Path.cwd(), there))
    sys.stdout.write(
        "| median of turns | app CPU, ms | Postgres CPU, ms | turns/s |\n|---|---|---|---|\n"
    )
    for name, measured in (("here", here), ("there", other)):
        sys.stdout.write(f"| {name} | {_row(measured)} |\n")


def _by_turns(bench: Bench, folders: Sequence[Path]) -> list[list[Measured]]:
    """What each checkout's server comes to, round by round."""
    with contextlib.ExitStack() as running:
        desks: list[Desk] = []
        for folder in folders:
            with contextlib.chdir(folder):  # `python -m` takes the package from there
                desks.append(running.enter_context(bench.on(AT_ONCE_MODEL)))
        for desk in desks:  # plans and caches
            desk.run("turn", AT_ONCE)
        rounds: list[list[Measured]] = []
        for number in range(1, ROUNDS + 1):
            rounds.append([desk.run("turn", AT_ONCE) for desk in desks])
            tell(f"round {number} of {ROUNDS}")
    return [list(column) for column in zip(*rounds, strict=True)]


def _row(measured: Sequence[Measured]) -> str:
    used = (
        median(one.milliseconds(name) or 0.0 for one in measured) for name in ("app", "postgres")
    )
    rate = median(one.outcome.rate for one in measured)
    return " | ".join(f"{one:.1f}" for one in (*used, rate))


if __name__ == "__main__":
    main()
