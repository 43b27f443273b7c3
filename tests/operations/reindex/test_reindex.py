"""Collections go to another model while they are searched, and back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import text

from aiconvokit.errors import ConfigurationError, Conflict
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.operations.reindex import filling, queries, work
from aiconvokit.operations.reindex.filling import BATCH, Progress
from aiconvokit.operations.reindex.queries import Selection
from aiconvokit.operations.reindex.work import Model
from aiconvokit.retrieval.search import Question, search
from aiconvokit.services import Services
from fake_model.server import FakeModel
from ingestion.vector_index import index_name, indexes
from operations.reindex.moves import ALL, NEW, Stop, found_in, passages, stopping
from support.shelves import Shelf, new_shelf

IS_FREE = text("SELECT id FROM collection WHERE id = :id FOR UPDATE SKIP LOCKED")


def embedded(fake: FakeModel) -> list[str]:
    """Every passage that a server was asked for."""
    found = [one.body["input"] for one in fake.requests() if one.path == "/v1/embeddings"]
    return [text for one in found for text in one if text.startswith("Passage")]


async def test_there_back_and_for_good(shelf: Shelf, fake: FakeModel, other: FakeModel) -> None:
    services = shelf.services
    await shelf.add(*passages(2 * BATCH + 10))
    assert await found_in(shelf) == (5, "old")

    report = await work.to_model(services, ALL, NEW, Progress())
    assert (report.failed, report.embedded, len(report.switched)) == ({}, 2 * BATCH + 10, 1)
    moved = await shelf.collection()
    old, new = moved.previous_space_id, moved.space_id
    assert old
    assert new
    assert moved.next_space_id is None
    assert await shelf.vectors(old) == await shelf.vectors(new) == (2 * BATCH + 10, 0)
    fake.reset()
    assert await found_in(shelf) == (5, "new")
    assert fake.requests() == []  # the former model is asked no more

    again = await work.to_model(services, ALL, NEW, Progress())
    assert (again.switched, again.already, again.embedded) == ([], [moved.public_id], 0)

    await shelf.add("A passage that came after the switch: anvils.")
    assert embedded(fake) == []
    other.reset()
    returned = await work.back(services, ALL, Progress())
    assert (returned.embedded, returned.failed) == (1, {})  # what came meanwhile
    assert embedded(other) == []
    assert await found_in(shelf) == (5, "old")
    assert (await shelf.collection()).previous_space_id == new

    assert await work.forget_old(services, ALL) == 2 * BATCH + 11
    assert await shelf.vectors(new) == (0, 0)
    assert await found_in(shelf) == (5, "old")
    assert (await work.back(services, ALL, Progress())).switched == []


async def test_documents_come_and_go_meanwhile_and_every_search_is_in_one_space(
    shelf: Shelf, other: FakeModel
) -> None:
    await shelf.add(*passages(BATCH + 1))
    other.spoil("/embeddings", "well@40")  # so that it takes a while
    done = asyncio.Event()
    models: list[str | None] = []

    async def come_and_go() -> None:
        while not done.is_set():
            document = await shelf.add(*passages(3, "hammers and anvils"))
            await shelf.add("Passage that stays, on anvils.")
            await shelf.remove(document)

    async def ask() -> None:
        while not done.is_set():
            number, model = await found_in(shelf)
            assert number == 5
            models.append(model)

    async with asyncio.TaskGroup() as group:
        for work_beside in (come_and_go(), ask()):
            group.create_task(work_beside)
        report = await work.to_model(shelf.services, ALL, NEW, Progress())
        await found_in(shelf)
        done.set()
    assert report.failed == {}
    moved = await shelf.collection()
    assert moved.space_id
    assert moved.next_space_id is None
    assert await shelf.vectors(moved.space_id) == (moved.chunk_count, 0)
    assert models[0] == "old"
    assert models == sorted(models, key=lambda one: one == "new")  # once over, never back


async def test_what_has_a_vector_is_not_embedded_again(shelf: Shelf, other: FakeModel) -> None:
    await shelf.add(*passages(3 * BATCH))
    with pytest.raises(Stop):
        await work.to_model(shelf.services, ALL, NEW, stopping(BATCH))
    (state,) = await work.status(shelf.services, ALL)
    assert (state.next or "").startswith("new (")
    assert (state.filled, state.collection.chunk_count) == (BATCH, 3 * BATCH)
    assert await found_in(shelf) == (5, "old")
    report = await work.to_model(shelf.services, ALL, NEW, Progress())
    assert report.embedded == 2 * BATCH
    assert len(embedded(other)) == 3 * BATCH


async def test_documents_that_never_cease_are_caught_up_with(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.add(*passages(5))
    come = filling.Filling._fill

    async def filled(self: filling.Filling, collection_id: int) -> int:
        found = await come(self, collection_id)
        await shelf.add("Passage that comes each time.")
        return found

    monkeypatch.setattr(filling.Filling, "_fill", filled)
    report = await work.to_model(shelf.services, ALL, NEW, Progress())
    assert report.failed == {}
    moved = await shelf.collection()
    assert moved.chunk_count == 5 + filling.CHASES + 1
    assert await shelf.vectors(moved.space_id or 0) == (moved.chunk_count, 0)


async def test_nobody_waits_for_an_embedder_that_is_away_while_documents_are_held(
    shelf: Shelf, other: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shelf.add(*passages(5))
    monkeypatch.setattr(filling, "CHASES", 0)
    come = filling.Filling._fill

    async def filled(self: filling.Filling, collection_id: int) -> int:
        found = await come(self, collection_id)
        await shelf.add("Passage that comes each time.")
        other.spoil("/embeddings", "500")
        return found

    held: list[bool] = []

    async def look() -> None:
        async with shelf.services.owner_sessions() as session:
            free = await session.scalars(IS_FREE, {"id": shelf.id})
            held.append(not free.all())
        other.reset()

    monkeypatch.setattr(filling.Filling, "_fill", filled)
    looks: list[asyncio.Task[None]] = []

    def tell(progress: Progress) -> None:
        if progress.doing.startswith("waiting"):
            looks.append(asyncio.create_task(look()))

    report = await work.to_model(shelf.services, ALL, NEW, Progress(on_change=tell))
    assert (report.failed, len(report.switched)) == ({}, 1)
    assert looks
    assert held == [False] * len(looks)


async def test_an_embedder_that_is_away_or_has_enough_is_waited_for(
    shelf: Shelf, other: FakeModel
) -> None:
    await shelf.add(*passages(5))
    said: list[str] = []

    def tell(progress: Progress) -> None:
        said.append(progress.doing)
        if sum(one.startswith("waiting") for one in said) > 3:
            other.reset()

    for fault in ("429=0", "500"):
        other.spoil("/embeddings", fault)
        said.clear()
        report = await work.to_model(shelf.services, ALL, NEW, Progress(on_change=tell))
        assert report.failed == {}
        assert any(one.startswith("waiting") for one in said)
        await work.back(shelf.services, ALL, Progress())
        await work.forget_old(shelf.services, ALL)


async def test_the_same_words_of_one_owner_are_embedded_once(
    services: Services, shelf: Shelf, in_old: Callable[[str], Awaitable[Shelf]], other: FakeModel
) -> None:
    twin, stranger = await in_old("ann"), await in_old("bob")
    for one in (shelf, twin, stranger):
        await one.add(*passages(10))
    report = await work.to_model(services, ALL, NEW, Progress())
    assert (report.embedded, report.reused, len(report.switched)) == (20, 10, 3)
    assert len(embedded(other)) == 20
    for one in (shelf, twin, stranger):
        assert await found_in(one) == (5, "new")


async def test_a_large_collection_is_indexed_before_it_is_searched_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WORTH_FROM", 50)
    await shelf.add(*passages(60))
    report = await work.to_model(shelf.services, ALL, NEW, Progress())
    moved = await shelf.collection()
    assert report.failed == {}
    assert moved.indexed_space_id == moved.space_id
    engine = shelf.services.owner_sessions.kw["bind"]
    assert [(one.name, one.is_valid) for one in await indexes(engine)] == [
        (index_name(moved.space_id or 0, shelf.id), True)
    ]
    await work.back(shelf.services, ALL, Progress())
    assert await work.forget_old(shelf.services, ALL) == 60
    names = [one.name for one in await indexes(engine)]
    assert names == [index_name((await shelf.collection()).space_id or 0, shelf.id)]


async def test_only_what_is_selected(
    services: Services, shelf: Shelf, in_old: Callable[[str], Awaitable[Shelf]]
) -> None:
    twin, stranger = await in_old("ann"), await in_old("bob")
    for one in (shelf, twin, stranger):
        await one.add(*passages(6))

    async def models() -> list[str | None]:
        return [(await found_in(one))[1] for one in (shelf, twin, stranger)]

    await work.to_model(services, Selection([twin.assistant]), NEW, Progress())
    assert await models() == ["old", "new", "old"]
    await work.to_model(services, Selection(username="bob"), NEW, Progress())
    assert await models() == ["old", "new", "new"]
    await work.back(services, Selection([stranger.assistant]), Progress())
    assert await models() == ["old", "new", "old"]
    for wrong in (Selection([9_999]), Selection(username="nobody")):
        with pytest.raises(ConfigurationError, match="There is no"):
            await work.to_model(services, wrong, NEW, Progress())


@pytest.mark.parametrize(
    "model",
    [Model("fake:404"), Model("new", "elsewhere:80"), Model("other", "local")],
    ids=["unknown", "elsewhere", "not local"],
)
async def test_a_model_that_is_not_there_changes_nothing(shelf: Shelf, model: Model) -> None:
    await shelf.add(*passages(6))
    with pytest.raises(ConfigurationError, match=model.name):
        await work.to_model(shelf.services, ALL, model, Progress())
    (state,) = await work.status(shelf.services, ALL)
    assert state.next is None


async def test_two_at_once_are_refused(shelf: Shelf) -> None:
    async with shelf.services.owner_sessions() as session:
        assert await queries.take_turn(session)
        with pytest.raises(ConfigurationError, match="Another reindexing"):
            await work.to_model(shelf.services, ALL, NEW, Progress())
        await session.execute(text("SELECT pg_advisory_unlock_all()"))


async def test_one_that_fails_does_not_stop_the_others(
    services: Services, shelf: Shelf, in_old: Callable[[str], Awaitable[Shelf]], other: FakeModel
) -> None:
    twin = await in_old("ann")
    await shelf.add(*passages(6))
    await twin.add(*passages(6, "hammers"))

    begun: list[str] = []

    def spoil(progress: Progress) -> None:
        begun.append(progress.doing)
        if len(begun) == 1:
            other.spoil("/embeddings", "nan")
        else:
            other.reset()

    report = await work.to_model(services, ALL, NEW, Progress(on_change=spoil))
    assert len(report.failed) == 1
    assert len(report.switched) == 1
    assert sorted([(await found_in(one))[1] or "" for one in (shelf, twin)]) == ["new", "old"]


async def test_a_search_in_two_spaces_asks_both_and_compares_no_cosines(
    services: Services, shelf: Shelf, fake: FakeModel, other: FakeModel
) -> None:
    await shelf.add(*passages(6, "anvils"))
    fresh = await new_shelf(services, "ann")
    await fresh.add(*passages(6, "hammers"))
    fake.reset()
    other.reset()
    both = [await shelf.collection(), await fresh.collection()]
    found = await search(services, both, Question("What about anvils and hammers?"), 12)
    assert len(found.passages) == 12
    models = {
        passage.text.split()[6]: found.spaces[passage.document_id].model
        for passage in found.passages
    }
    assert models == {"anvils": "old", "hammers": "new"}
    assert asked_models(fake) == ["old"]
    assert asked_models(other) == ["new"]
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)


async def test_a_collection_whose_model_is_gone_says_what_to_do(
    services: Services, shelf: Shelf, fake: FakeModel, other: FakeModel
) -> None:
    await shelf.add(*passages(6))
    alone = replace(services, embedders=OneEmbedder(services.embedder))
    with pytest.raises(Conflict, match="aiconvokit reindex --to new") as refused:
        await search(alone, [await shelf.collection()], Question("Anvils?"), 5)
    assert refused.value.code == "embedding_model_changed"
    fake.spoil("/embeddings", "dims_change")  # another model behind the name
    with pytest.raises(Conflict, match="257 dimensions now"):
        await search(services, [await shelf.collection()], Question("Anvils?"), 5)


async def test_a_search_of_a_space_that_was_forgotten_meanwhile_goes_by_words(
    shelf: Shelf,
) -> None:
    await shelf.add(*passages(6))
    before = await shelf.collection()
    await work.to_model(shelf.services, ALL, NEW, Progress())
    await work.forget_old(shelf.services, ALL)
    found = await search(shelf.services, [before], Question("Anvils?"), 5)
    assert [passage.dense for passage in found.passages] == [0.0] * 5


def asked_models(fake: FakeModel) -> Sequence[str]:
    return [one.body["model"] for one in fake.requests()]
