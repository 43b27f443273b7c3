"""Nothing stays in spaces that a collection has left, and nothing goes that one has come to."""

import asyncio

import pytest
from sqlalchemy import text, update

from aiconvokit.operations.reindex import filling, work
from aiconvokit.operations.reindex.filling import BATCH, Progress
from aiconvokit.operations.reindex.work import Model
from ingestion import space_store
from ingestion.tables import Collection
from ingestion.vector_index import indexes
from operations.reindex.moves import ALL, NEW, Stop, found_in, passages, stopping
from support.shelves import Shelf

THIRD = Model("third")
WAITS = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation')")


async def spaces_with_vectors(shelf: Shelf) -> set[int]:
    async with shelf.services.owner_sessions() as session:
        known = await space_store.spaces(session)
        return {one for one in known if await space_store.how_many(session, shelf.id, one)}


async def test_a_third_space_leaves_no_vectors_of_the_first(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WORTH_FROM", 1)
    await shelf.add(*passages(6))
    await work.to_model(shelf.services, ALL, NEW, Progress())
    first = (await shelf.collection()).previous_space_id
    await work.to_model(shelf.services, ALL, THIRD, Progress())
    moved = await shelf.collection()
    assert await found_in(shelf) == (5, "third")
    assert await spaces_with_vectors(shelf) == {moved.space_id, moved.previous_space_id}
    assert first not in {moved.space_id, moved.previous_space_id}
    engine = shelf.services.owner_sessions.kw["bind"]
    there = {one.space_id for one in await indexes(engine)}
    assert there == {moved.space_id, moved.previous_space_id}


async def test_another_way_leaves_no_vectors_of_the_first(shelf: Shelf) -> None:
    await shelf.add(*passages(2 * BATCH))
    with pytest.raises(Stop):
        await work.to_model(shelf.services, ALL, NEW, stopping(BATCH))
    await work.to_model(shelf.services, ALL, THIRD, Progress())
    moved = await shelf.collection()
    assert await spaces_with_vectors(shelf) == {moved.space_id, moved.previous_space_id}


async def test_a_move_is_called_off(shelf: Shelf) -> None:
    await shelf.add(*passages(6))
    await work.to_model(shelf.services, ALL, NEW, Progress())
    await shelf.add(*passages(BATCH, "hammers"))
    with pytest.raises(Stop):
        await work.to_model(shelf.services, ALL, THIRD, stopping(BATCH))
    assert (await shelf.collection()).next_space_id is not None
    report = await work.to_model(shelf.services, ALL, NEW, Progress())
    stays = await shelf.collection()
    assert (report.called_off, report.switched) == ([stays.public_id], [])
    assert report.already == [stays.public_id]
    assert stays.next_space_id is None
    assert await spaces_with_vectors(shelf) == {stays.space_id, stays.previous_space_id}
    again = await work.to_model(shelf.services, ALL, NEW, Progress())
    assert again.called_off == []


async def test_a_space_that_is_taken_at_that_moment_is_not_emptied(shelf: Shelf) -> None:
    await shelf.add(*passages(6))
    sessions = shelf.services.owner_sessions
    old = (await shelf.collection()).space_id
    assert old
    await work.to_model(shelf.services, ALL, NEW, Progress())

    async def empty() -> int:
        async with sessions.begin() as session:
            return await space_store.empty_unused(session, old)

    async with sessions.begin() as taking:
        await taking.execute(text(f"LOCK TABLE vec_{old} IN ROW EXCLUSIVE MODE"))
        back = update(Collection).where(Collection.id == shelf.id).values(space_id=old)
        await taking.execute(back)
        emptied = asyncio.create_task(empty())
        async with sessions() as looking:
            while not await looking.scalar(WAITS):  # noqa: ASYNC110  # Postgres sets no event of ours
                await asyncio.sleep(0.01)
    assert await emptied == 0
    assert await shelf.vectors(old) == (6, 0)


async def test_a_space_that_is_still_read_is_emptied_by_rows(shelf: Shelf) -> None:
    await shelf.add(*passages(6))
    old = (await shelf.collection()).space_id
    await work.to_model(shelf.services, ALL, NEW, Progress())
    async with shelf.services.owner_sessions.begin() as reading:
        await reading.execute(text(f"LOCK TABLE vec_{old} IN ACCESS SHARE MODE"))
        assert await work.forget_old(shelf.services, ALL) == 6
    assert await shelf.vectors(old or 0) == (0, 0)
