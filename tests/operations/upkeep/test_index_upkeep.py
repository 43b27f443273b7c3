"""Large collections get an index, lose it and have it made anew; what stops on the way is found."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from aiconvokit.background import beside
from aiconvokit.db import create_engine
from aiconvokit.files import upkeep as worker_upkeep
from aiconvokit.retrieval import candidate_queries
from aiconvokit.services import Services
from ingestion import index_upkeep, vector_index
from ingestion.index_upkeep import DEAD_SHARE, KEPT_FROM, PATIENCE_SECONDS, WORTH_FROM, Kept, Upkeep
from ingestion.index_upkeep import step as decide
from ingestion.vector_index import MOST_DIMENSIONS, index_name
from support.shelves import Shelf, new_shelf

PATIENCE = 60
SMALL = Kept(
    id=1,
    space_id=2,
    indexed_space_id=None,
    chunk_count=WORTH_FROM - 1,
    removed=0,
    dim=384,
    is_reading=False,
)
LARGE = replace(SMALL, chunk_count=WORTH_FROM)
INDEXED = replace(LARGE, indexed_space_id=2)
DEAD = round(WORTH_FROM * DEAD_SHARE / (1 - DEAD_SHARE))


@pytest.mark.parametrize(
    ("kept", "waited", "wanted"),
    [
        (SMALL, 0, None),
        (LARGE, 0, "promote"),
        (replace(LARGE, is_reading=True), PATIENCE_SECONDS - 1, None),
        (replace(LARGE, is_reading=True), PATIENCE_SECONDS, "promote"),
        (replace(LARGE, dim=MOST_DIMENSIONS + 1), 0, None),
        (replace(LARGE, indexed_space_id=1), 0, "promote"),  # that of another space
        (INDEXED, 0, None),
        (replace(INDEXED, chunk_count=KEPT_FROM), 0, None),  # it shrank a little
        (replace(INDEXED, chunk_count=KEPT_FROM - 1), 0, "demote"),
        (replace(INDEXED, removed=DEAD - 1), 0, None),
        (replace(INDEXED, removed=DEAD + 1), 0, "rebuild"),
        (replace(INDEXED, removed=DEAD + 1, is_reading=True), 0, None),
    ],
)
def test_what_is_to_be_done(kept: Kept, waited: float, wanted: str | None) -> None:
    assert decide(kept, waited) == wanted


def test_searches_ask_an_index_as_long_as_it_is_kept() -> None:
    assert KEPT_FROM == candidate_queries.INDEXED_FROM < WORTH_FROM


@pytest.fixture
async def engine(services: Services) -> AsyncIterator[AsyncEngine]:
    made = create_engine(services.database_url, pool_size=2)
    yield made
    await made.dispose()


@pytest.fixture
def upkeep(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> Upkeep:
    monkeypatch.setattr(index_upkeep, "WORTH_FROM", 100)
    monkeypatch.setattr(index_upkeep, "KEPT_FROM", 50)
    return Upkeep(engine)


def passages(number: int) -> list[str]:
    return [f"Passage {one} of a contract." for one in range(number)]


@pytest.fixture
async def indexed(shelf: Shelf, upkeep: Upkeep) -> Shelf:
    """The shelf with passages that have an index."""
    await shelf.add(*passages(120))
    assert await upkeep.round() == [("promote", shelf.id)]
    return shelf


async def execute(shelf: Shelf, statement: str) -> None:
    async with shelf.services.owner_sessions.begin() as session:
        await session.execute(text(statement), {"shelf": shelf.id})


async def names(engine: AsyncEngine) -> list[tuple[str, bool]]:
    return [(one.name, one.is_valid) for one in await vector_index.indexes(engine)]


async def stop_a_round(shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine, indexes: int) -> None:
    """Stop it in the middle of a build: when there are so many indexes."""
    async with shelf.services.owner_sessions.begin() as session:  # a build waits for its end
        await session.execute(text("UPDATE vec_1 SET document_id = document_id"))
        task = asyncio.create_task(upkeep.round())
        await until(engine, indexes)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(engine: AsyncEngine, indexes: int) -> None:
    while len(await names(engine)) != indexes:  # noqa: ASYNC110  # the database sets no event
        await asyncio.sleep(0.01)


async def next_round(upkeep: Upkeep) -> Sequence[tuple[str, int]]:
    """The first that does something: a build that was stopped may take a moment to let go."""
    async with asyncio.timeout(PATIENCE):
        while not (done := await upkeep.round()):  # noqa: ASYNC110  # the database sets no event
            await asyncio.sleep(0.05)
        return done


async def test_it_comes_with_the_passages_and_goes_with_them(
    shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    documents = [await shelf.add(*passages(40)) for _ in range(2)]
    assert await upkeep.round() == []
    documents.append(await shelf.add(*passages(40)))
    await execute(shelf, "UPDATE document SET status = 'processing' WHERE id = 1")
    assert await upkeep.round() == []
    await execute(shelf, "UPDATE document SET status = 'ready'")
    assert await upkeep.round() == [("promote", shelf.id)]
    assert await names(engine) == [(index_name(1, shelf.id), True)]
    assert (await shelf.collection()).indexed_space_id == 1
    assert await upkeep.round() == []
    for document in documents[:2]:
        await shelf.remove(document)
    assert await upkeep.round() == [("demote", shelf.id)]
    assert await names(engine) == []
    assert (await shelf.collection()).indexed_space_id is None


async def test_an_index_of_dead_vectors_is_made_anew_and_searches_have_one_all_the_time(
    shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    for _ in range(2):
        await shelf.add(*passages(100))
    gone = await shelf.add(*passages(30))
    await upkeep.round()
    await shelf.remove(gone)
    await execute(shelf, "UPDATE collection SET removed_since_indexed = 30")
    done = asyncio.Event()
    seen: set[int | None] = set()

    async def look() -> None:
        while not done.is_set():
            seen.add((await shelf.collection()).indexed_space_id)

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        assert await upkeep.round() == [("rebuild", shelf.id)]
        done.set()
    assert seen == {1}
    assert (await shelf.collection()).removed_since_indexed == 0
    assert await names(engine) == [(index_name(1, shelf.id), True)]
    assert await upkeep.round() == []


async def test_a_stopped_build_is_done_again(
    shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    await shelf.add(*passages(120))
    await stop_a_round(shelf, upkeep, engine, indexes=1)
    assert await names(engine) == [(index_name(1, shelf.id), False)]
    assert (await shelf.collection()).indexed_space_id is None
    assert await next_round(upkeep) == [("promote", shelf.id)]
    assert await names(engine) == [(index_name(1, shelf.id), True)]


async def test_what_a_stopped_rebuilding_left_is_dropped(
    indexed: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    await execute(indexed, "UPDATE collection SET removed_since_indexed = 120")
    await stop_a_round(indexed, upkeep, engine, indexes=2)
    assert len(await names(engine)) == 2
    assert (await indexed.collection()).indexed_space_id == 1
    assert await next_round(upkeep) == [("rebuild", indexed.id)]
    assert await names(engine) == [(index_name(1, indexed.id), True)]


async def test_indexes_of_what_is_gone_are_dropped(
    services: Services, shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    other = await new_shelf(services, "ann")
    for one in (shelf, other):
        await one.add(*passages(120))
    assert len(await upkeep.round()) == 2
    await execute(shelf, "DELETE FROM assistant_collection WHERE collection_id = :shelf")
    await execute(shelf, "DELETE FROM collection WHERE id = :shelf")
    await upkeep.round()
    assert await names(engine) == [(index_name(1, other.id), True)]


async def test_what_a_stopped_demotion_left_is_dropped(
    indexed: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    # As if it had shrunk, and whoever drops the index had been killed before that.
    await execute(indexed, "UPDATE collection SET indexed_space_id = NULL, chunk_count = 60")
    assert await upkeep.round() == []
    assert await names(engine) == []


async def test_what_another_worker_did_meanwhile_is_not_done_again(
    indexed: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    class Late(Upkeep):
        @override
        async def _collections(self) -> list[Kept]:
            found = await super()._collections()
            assert await upkeep.round() == [("rebuild", indexed.id)]
            return found

    await execute(indexed, "UPDATE collection SET removed_since_indexed = 120")
    assert await Late(engine).round() == []


async def test_an_index_that_vanished_is_not_asked_and_comes_back(
    indexed: Shelf, upkeep: Upkeep
) -> None:
    await execute(indexed, f"DROP INDEX {index_name(1, indexed.id)}")
    assert await upkeep.round() == []
    assert (await indexed.collection()).indexed_space_id is None
    assert await upkeep.round() == [("promote", indexed.id)]


async def test_one_process_builds_at_a_time(
    shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine
) -> None:
    await shelf.add(*passages(120))
    async with shelf.services.owner_sessions() as session:
        lock = "SELECT pg_advisory_lock(hashtext('aiconvokit.vector_index'), 0)"
        await session.execute(text(lock))
        await session.commit()
        assert await upkeep.round() == []
        assert not await vector_index.demote(engine, 1, shelf.id)
        await session.execute(text("SELECT pg_advisory_unlock_all()"))
    assert await upkeep.round() == [("promote", shelf.id)]


async def test_a_worker_does_rounds_until_it_stops(
    shelf: Shelf, upkeep: Upkeep, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_upkeep, "EVERY_SECONDS", 0.05)
    rounds = worker_upkeep.keep_indexes(shelf.services)
    async with asyncio.timeout(PATIENCE), beside(rounds, "keep indexes"):
        document = await shelf.add(*passages(120))
        await until(engine, indexes=1)
        await shelf.remove(document)
        await until(engine, indexes=0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "keep indexes"]
