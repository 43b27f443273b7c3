"""Bytes, build times and searches at scale: `python -m benchmarks.scale`.

A million passages in a thousand collections, one of 300,000, in an embedded Postgres that is thrown
away: 9 GB of disk and more. `--passages 50000` is done in some minutes.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aiconvokit.cli.runtime import log_to_stderr
from aiconvokit.operations.stats import queries
from aiconvokit.operations.stats.report import size
from aiconvokit.services import Services
from benchmarks.machine import machine
from benchmarks.own_database import with_own_database
from benchmarks.printing import table, tell
from benchmarks.scale.asking import Row, ask
from benchmarks.scale.filling import Shape, Speed, fill, index, tidy
from ingestion.vector_index import index_name

PASSAGES, COLLECTIONS, LARGEST_SHARE = 1_000_000, 1_000, 0.3
QUESTIONS = 200
LEAST_BYTES = 10
"""A passage: what weighs less is left out of the table."""


def arguments() -> argparse.Namespace:
    """What is asked for; a smaller run has as many collections for its passages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--passages", type=int, default=PASSAGES)
    parser.add_argument("--collections", type=int)
    parser.add_argument("--largest", type=int, help="passages of the largest collection")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each class")
    parser.add_argument("--folder", type=Path, help="where the database is made, and removed")
    found = parser.parse_args()
    passages = found.passages
    found.collections = found.collections or max(10, passages * COLLECTIONS // PASSAGES)
    found.largest = found.largest or int(passages * LARGEST_SHARE)
    return found


async def measure(services: Services, shape: Shape, questions: int) -> list[str]:
    """The lines of the report."""
    collections, speed = await fill(services, shape, tell)
    await tidy(services)
    before = await ask(services, collections, questions)
    collections, seconds = await index(services, collections, tell)
    indexed = [one for one in collections if one.indexed_space_id is not None]
    vectors = sum(one.chunk_count for one in indexed)
    async with services.owner_sessions() as session:
        names = [index_name(1, one.id) for one in indexed]
        weight = sum((await queries.index_bytes(session, names)).values())
    lines = [*_weights(await _tables(services), speed.stored, vectors, weight), ""]
    if vectors:
        built = f"{vectors:,} vectors of {len(indexed)} collections in {seconds:.0f} s on one core"
        each = f"{1e6 * seconds / vectors:,.0f} s a million, {weight / vectors:,.0f} bytes each"
        lines += [f"Index: {built}, {each}.", ""]
    lines += [f"Filling: {_rates(speed)} passages/s.", ""]
    lines += _searches("every vector compared", before)
    if vectors:
        after = await ask(services, collections, questions)
        lines += _searches("large ones by their index", after)
    return lines


async def _tables(services: Services) -> list[queries.Table]:
    async with services.owner_sessions() as session:
        return await queries.tables(session)


def _rates(speed: Speed) -> str:
    return ", ".join(f"{rate:,.0f} up to {stored:,}" for stored, rate in speed.parts)


def _weights(
    tables: Sequence[queries.Table], passages: int, vectors: int, indexed_bytes: int
) -> list[str]:
    """Bytes a passage of every table; the vectors' own indexes are told apart."""
    rows = []
    data, indexes = 0.0, 0.0
    for one in tables:
        own = one.index_bytes - (indexed_bytes if one.name == "vec_1" else 0)
        if one.bytes + own >= LEAST_BYTES * passages:
            rows.append([one.name, f"{one.bytes / passages:,.0f}", f"{own / passages:,.0f}"])
        data, indexes = data + one.bytes / passages, indexes + own / passages
    rows.append(["**all**", f"{data:,.0f}", f"{indexes:,.0f}"])
    if vectors:
        rows.append([f"HNSW, of {vectors:,}", "", f"{indexed_bytes / vectors:,.0f}"])
    total = (data + indexes) * passages + indexed_bytes
    title = f"{passages:,} passages, {size(total)}. Bytes a passage:"
    return [title, "", *table([["table", "data", "indexes"], *rows])]


def _searches(title: str, rows: Sequence[Row]) -> list[str]:
    header = ["collections", "number", "p50, ms", "p95, ms", "Postgres CPU, ms", "Python CPU, ms"]
    header += ["recall@10, vectors", "recall@10, passages"]
    shown = [
        [
            one.name,
            f"{one.collections:,}",
            *one.times.row(),
            f"{one.vectors:.4f}",
            f"{one.passages:.4f}",
        ]
        for one in rows
    ]
    return [f"Searches, {title}:", "", *table([header, *shown]), ""]


def main() -> None:
    """Measure, then print."""
    asked = arguments()
    log_to_stderr()
    shape = Shape(asked.passages, asked.collections, asked.largest)
    where = machine()

    async def act(services: Services) -> list[str]:
        return await measure(services, shape, asked.questions)

    lines = with_own_database(act, asked.folder)
    command = f"python -m benchmarks.scale {' '.join(sys.argv[1:])}".strip()
    about = f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, {where}"
    sys.stdout.write("\n".join([about, "", *lines]) + "\n")


if __name__ == "__main__":
    main()
