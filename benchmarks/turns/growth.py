"""How the cost of a turn grows with what there is."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import uvloop

from aiconvokit.retrieval.candidate_queries import INDEXED_FROM
from benchmarks.turns.figures import Growth
from benchmarks.turns.fill import Shape, add_messages
from benchmarks.turns.index import indexed
from benchmarks.turns.session import Bench, Measured

MODEL = "fake"
SMALL = 20
"""Passages of each of many assistants."""
SMALL_PAGES = 5
"""Of the one document that has so many."""

OpenBench = Callable[[Shape], AbstractContextManager[Bench]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is measured; the collection that messages are asked about has `base` passages."""

    base: int
    passages: tuple[int, ...]
    assistants: tuple[int, ...]
    messages: tuple[int, ...]


def growth(sizes: Sizes, open_bench: OpenBench) -> Iterator[Growth]:
    """One row a size."""
    for passages in sizes.passages:
        with open_bench(Shape(passages)) as bench, bench.on(MODEL) as desk:
            yield _row(f"{passages:,} passages", desk.run("turn"))
            if passages >= INDEXED_FROM:
                with indexed(bench.database_url):
                    yield _row(f"{passages:,} passages, with index", desk.run("turn"))
    for assistants in sizes.assistants:
        shape = Shape(SMALL, assistants, SMALL_PAGES)
        with open_bench(shape) as bench, bench.on(MODEL) as desk:
            yield _row(f"{assistants:,} assistants of {SMALL} passages", desk.run("turn"))
    with open_bench(Shape(sizes.base)) as bench, bench.on(MODEL) as desk:
        for messages in sizes.messages:
            chats = desk.new_chats(1)
            uvloop.run(add_messages(bench.database_url, chats, messages))
            measured = desk.run("turn", chat_ids=chats)
            yield _row(f"{messages:,} messages in the thread", measured)


def _row(what: str, measured: Measured) -> Growth:
    return Growth(
        what,
        measured.milliseconds("app"),
        measured.milliseconds("postgres"),
        1_000 * measured.outcome.p50,
    )
