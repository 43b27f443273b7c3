"""`python -m benchmarks.ingestion`: how fast documents become searchable, and what it costs."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
from psycopg import sql

from aiconvokit import schema
from benchmarks.ingestion.report import Result, report
from benchmarks.ingestion.run import Files, free_embedder, read_files
from benchmarks.ingestion.store import growth
from benchmarks.machine import machine
from benchmarks.turns.databases import Cluster, cluster

FILES, GROWTH = "files", "growth"
PARTS = (FILES, GROWTH)
SIZES = (1_000, 100_000)
QUICK = (1_000, 5_000)
_DATABASE = "ackbench_ingestion"


@contextmanager
def empty(found: Cluster) -> Iterator[str]:
    """An empty database with the schema; its address."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(_DATABASE))
    found.execute(drop)
    found.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_DATABASE)))
    try:
        url = found.database(_DATABASE)
        schema.upgrade(url)
        yield url
    finally:
        found.execute(drop)


def read_all(found: Cluster, docs: Path, runs: int) -> list[Files]:
    """Each run reads the same files on a server and a database of its own."""
    paths = sorted(path for path in docs.iterdir() if path.is_file())
    results = []
    for number in range(runs):
        with empty(found) as url, free_embedder() as embedder_url:
            results.append(read_files(url, embedder_url, found.postmaster, paths))
            tell(f"run {number + 1}: {results[-1].pages / results[-1].wall:.1f} pages/s")
    return results


def tell(what: str) -> None:
    """A line for whoever waits."""
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {what}\n")


def main() -> None:
    """Measure and print."""
    arguments = _parser().parse_args()
    wanted = set(arguments.only or PARTS)
    if FILES in wanted and arguments.docs is None:
        _parser().error("--docs names a folder of documents, or --only growth does without")
    sizes = arguments.sizes or (QUICK if arguments.quick else SIZES)
    result = Result(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}")
    with cluster() as found:
        if FILES in wanted:
            result.files = read_all(found, arguments.docs, 1 if arguments.quick else arguments.runs)
        if GROWTH in wanted:
            with empty(found) as url:
                result.growth = uvloop.run(growth(url, sizes, tell))
    sys.stdout.write(report(result))
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "benchmarks.ingestion", description="How fast documents become searchable."
    )
    parser.add_argument("--docs", type=Path, help="folder of documents; all its files are read")
    parser.add_argument("--runs", type=int, default=3, help="of the folder (%(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", help="stored passages at which to measure")
    parser.add_argument("--quick", action="store_true", help="small and short, to try it")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts of it")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    main()
