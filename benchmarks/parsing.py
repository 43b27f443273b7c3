"""What reading a file in a process of its own costs: `python -m benchmarks.parsing`.

A Markdown file of 4 kB is read thirty times by forks, as a worker does, and by new processes. With
`--scans DIR` a page of each of the folder's PDFs is drawn as a picture and its words are recognised
(needs the extra `ocr`): what share of the words that its text has is found, and what a page costs.
"""

import argparse
import asyncio
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.printing import table, tell
from benchmarks.turns.figures import MIB
from benchmarks.turns.processes import Peak, cpu_seconds, memory
from ingestion.documents import Page
from ingestion.errors import IngestionError
from ingestion.load import PDF
from ingestion.parse.drawing import draw_in_child
from ingestion.parse.limits import Limits
from ingestion.parse.sandbox import Sandbox, parse_in_child

TIMES = 30
SENTENCE = "The rent of flat {} is EUR {} a month, to be paid on the first working day.\n\n"
FILE = "".join(SENTENCE.format(one, 900 + one) for one in range(54)).encode()[:4_000]
WIDTH = 1_654
"""Pixels of a page: 200 dots an inch on A4, as offices scan."""
PAGES = 10
LEAST_WORDS = 100
"""Of a page that is drawn: a title page tells nothing."""
_WORD = re.compile(r"\w+")

Read = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one way to read files: seconds of CPU a file, and until each answer."""

    cpu: float
    wall: Sequence[float]

    def row(self, name: str) -> list[str]:
        """A line of the table, in milliseconds."""
        return [name, f"{1e3 * self.cpu:.0f}", f"{1e3 * statistics.median(self.wall):.0f}"]


def _children_seconds() -> float:
    """CPU of the processes that this one started, ended ones included."""
    return cpu_seconds(os.getpid()) - time.process_time()


async def cost(read: Read, times: int) -> Cost:
    """Of so many files, one after the other; what is started for the first one is left out."""
    await read()
    wall, before = list[float](), _children_seconds()
    for _ in range(times):
        began = time.perf_counter()
        await read()
        wall.append(time.perf_counter() - began)
    return Cost((_children_seconds() - before) / times, wall)


async def ways(times: int) -> list[str]:
    """The table of both ways to read a small file."""
    name, kind = "lease.md", "text/markdown"
    with closing(Sandbox()) as sandbox:
        fork = await cost(lambda: sandbox.parse(FILE, kind, name), times)
    fresh = await cost(lambda: parse_in_child(FILE, kind, name, Limits()), times)
    head = ["each file in", "CPU a file, ms", "until the answer, median, ms"]
    return table([head, fresh.row("a new process"), fork.row("a fork")])


async def scans(paths: Sequence[Path], pages: int) -> list[str]:
    """What is found on so many drawn pages, and what a page costs."""
    wanted, found, left_out, seconds, peak = 0, 0, 0, list[float](), 0.0
    with closing(Sandbox()) as sandbox:
        for path in paths:
            if len(seconds) == pages:
                break
            data = path.read_bytes()
            page = await _page(sandbox, data, path.name)
            if page is None:
                continue
            picture = await draw_in_child(data, page.number, WIDTH, Limits())
            base, before = memory(os.getpid()).rss, _children_seconds()
            with Peak(os.getpid()) as most:
                text = await _recognised(sandbox, picture)
            seconds.append(_children_seconds() - before)
            peak = max(peak, (most.rss - base) / MIB)
            there = _words(page.text)
            got = there & _words(text)
            if text:
                wanted, found = wanted + there.total(), found + got.total()
            else:
                left_out += 1
            tell(f"{path.name}, page {page.number}: {got.total()} of {there.total()} words")
    head = ["pages", "left out", "words found on the others", "CPU a page, s", "memory, MiB"]
    share = f"{found / wanted:.1%}" if wanted else "-"
    costs = f"{min(seconds):.1f} to {max(seconds):.1f}" if seconds else "-"
    return table([head, [str(len(seconds)), str(left_out), share, costs, f"{peak:.0f}"]])


async def _page(sandbox: Sandbox, data: bytes, name: str) -> Page | None:
    """The page in the middle of those with enough words; None: the file has none."""
    try:
        read = await sandbox.parse(data, PDF, name)
    except IngestionError:
        return None
    dense = [one for one in read.document.pages if _words(one.text).total() >= LEAST_WORDS]
    return dense[len(dense) // 2] if dense else None


async def _recognised(sandbox: Sandbox, picture: bytes) -> str:
    """The words on a picture; none where it took too long."""
    try:
        read = await sandbox.parse(picture, "image/png", "page.png")
    except IngestionError:
        return ""
    return " ".join(one.text for one in read.document.pages)


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parsing")
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--scans", type=Path, metavar="DIR", help="PDFs whose pages are drawn")
    parser.add_argument("--pages", type=int, default=PAGES, help="of --scans")
    asked = parser.parse_args()
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, {machine()}", "", *asyncio.run(ways(asked.times))]
    if asked.scans is not None:
        paths = sorted(asked.scans.rglob("*.pdf"))
        lines += ["", *asyncio.run(scans(paths, asked.pages))]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
