"""`python -m benchmarks.turns`: what a turn costs, beside the raw model and the peers."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from aiconvokit.retrieval.candidate_queries import INDEXED_FROM
from benchmarks.machine import machine
from benchmarks.turns.databases import Cluster, cloned, cluster
from benchmarks.turns.documents import questions, vocabulary
from benchmarks.turns.figures import Growth, Result, System
from benchmarks.turns.fill import Shape
from benchmarks.turns.growth import Sizes, growth
from benchmarks.turns.kit import run_peers
from benchmarks.turns.measure import PARTS, measure, streams_at_all
from benchmarks.turns.report import report
from benchmarks.turns.servers import Server, fake_model
from benchmarks.turns.session import Bench

QUESTIONS = 200
GROWTH = "growth"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured; `seconds` a job."""

    seconds: float
    streams: int
    sizes: Sizes


WHOLE = Scale(8.0, 1_000, Sizes(20_000, (1_000, 20_000, 200_000), (10, 1_000), (10, 1_000, 10_000)))
QUICK = Scale(2.0, 50, Sizes(INDEXED_FROM, (1_000, INDEXED_FROM), (10, 50), (10, 1_000)))


class Run:
    """One run of the benchmark on one cluster with one fake model server."""

    def __init__(self, scale: Scale, found: Cluster, model: Server) -> None:
        self._scale = scale
        self._cluster = found
        self._model = model
        self._questions = questions(vocabulary(), QUESTIONS)
        self._machine = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"  # before we load it

    @contextmanager
    def bench(self, shape: Shape) -> Iterator[Bench]:
        """A database of that shape with everything to measure on it."""
        provider = self._model.base_url.split("/")[2]
        with cloned(self._cluster, shape, provider, tell) as url:
            yield Bench(
                url,
                self._model,
                self._cluster.postmaster,
                self._questions,
                self._scale.seconds,
                tell,
            )

    def result(self, only: set[str]) -> Result:
        """Measure all parts, or those of these names."""

        def wanted(name: str) -> bool:
            return not only or name in only

        sizes, streamed = self._scale.sizes, True
        ours = System(name="measured")
        if any(wanted(name) for name in PARTS):
            with self.bench(Shape(sizes.base)) as bench:
                streamed = streams_at_all(bench)
                figures = measure(bench, self._scale.streams, wanted)
                ours = msgspec.structs.replace(ours, **figures)
        rows: list[Growth] = []
        if wanted(GROWTH):
            for row in growth(sizes, self.bench):
                tell(f"measured: {row.what}")
                rows.append(row)
        return Result(
            machine=self._machine,
            passages=sizes.base,
            streams=self._scale.streams,
            streamed=streamed,
            ours=ours,
            growth=rows,
        )


def tell(what: str) -> None:
    """A line for whoever waits."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {what}\n")


def main() -> None:
    """Measure and print."""
    arguments = _parser().parse_args()
    scale = QUICK if arguments.quick else WHOLE
    with cluster() as found, fake_model() as model:
        result = Run(scale, found, model).result(set(arguments.only))
    if arguments.kit is not None:
        peers = run_peers(arguments.kit, scale.sizes.base, tell)
        result = msgspec.structs.replace(result, peers=peers)
    sys.stdout.write(report(result))
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks.turns", description="What a turn costs.")
    parser.add_argument("--quick", action="store_true", help="small and short, to try it")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=[*PARTS, GROWTH], help="some parts of it"
    )
    parser.add_argument("--kit", type=Path, help="folder of a kit that measures the peers, too")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    main()
