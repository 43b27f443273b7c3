"""What the worker does while the embedder will not serve us, on the real queue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiconvokit import jobs
from aiconvokit.config import Settings
from aiconvokit.files import postponed, worker
from aiconvokit.files.postponed import Pause
from aiconvokit.files.worker import MAX_ATTEMPTS, work
from aiconvokit.llm.errors import BadEmbeddings, InputTooLong, ModelError
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion import store
from ingestion.embed import Embedder
from ingestion.types import Vectors
from support.reading import Listening, collection, column, owner, read, upload, with_embedder

PATIENCE_SECONDS = 60
LONGEST_AWAY = postponed.LONGEST_AWAY_SECONDS

# The worker runs in this process; the shipped one does not turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")

Row = tuple[str, str | None, int | None]


class Moody(Listening):
    """An embedder that raises what it is told to, once each, and then works."""

    def __init__(self, embedder: Embedder, moods: Sequence[ModelError]) -> None:
        super().__init__(embedder)
        self.moods = list(moods)

    @override
    async def before(self, number: int) -> None:
        if self.moods:
            raise self.moods.pop(0)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(postponed, "REPAIR_SECONDS", 1)
    monkeypatch.setattr(postponed, "LONGEST_RETRY_AFTER_SECONDS", 1)
    monkeypatch.setattr(postponed, "LONGEST_AWAY_SECONDS", 1)
    monkeypatch.setattr(worker, "RETRY_SECONDS", (0, 0, 0, 0))


@asynccontextmanager
async def working_with(services: Services, embedder: Embedder) -> AsyncIterator[None]:
    """A worker with that embedder."""
    task = asyncio.create_task(work(with_embedder(services, embedder), 1))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def working(services: Services, *moods: ModelError) -> AsyncIterator[Moody]:
    """A worker whose embedder has moods."""
    embedder = Moody(services.embedder, moods)
    async with working_with(services, embedder):
        yield embedder


async def put(services: Services, content: str, *names: str) -> None:
    """Store documents of one assistant, which is made for the first."""
    known = await column(services, 'SELECT id FROM "user"')
    ann = known[0] if known else await owner(services, "ann")
    known = await column(services, "SELECT id FROM collection")
    reports = known[0] if known else await collection(services, ann)
    await upload(services, ann, reports, dict.fromkeys(names, content.encode()))


async def rows(services: Services) -> list[Row]:
    """Status, error and searchable version of each document."""
    async with services.owner_sessions() as session:
        found = await session.execute(
            text("SELECT status, error_code, ready_version FROM document ORDER BY id")
        )
        return [(row[0], row[1], row[2]) for row in found]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110  # the database sets no asyncio.Event
            await asyncio.sleep(0.05)


async def seen(services: Services, *wanted: Row) -> None:
    """Wait until the documents are so."""

    async def are() -> bool:
        return await rows(services) == list(wanted)

    await until(are)


def limited() -> ModelError:
    return ModelError("No more for now.", code="embedder_rate_limited", retry_after=120)


def misconfigured() -> ModelError:
    return ModelError("Check the settings.", code="embedder_misconfigured")


@pytest.mark.parametrize("mood", [limited, misconfigured])
async def test_waiting_for_the_embedder_burns_no_attempt(
    services: Services, mood: Callable[[], ModelError]
) -> None:
    moods = [mood() for _ in range(MAX_ATTEMPTS + 1)]
    await put(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *moods) as embedder:
        await seen(services, ("queued", moods[0].code, None))
        await seen(services, ("ready", None, 1))
        assert len(embedder.requests) == len(moods) + 1
    async with services.owner_sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


async def test_attempts_burned_before_a_wait_still_count(services: Services) -> None:
    away = [ModelError("Away.", code="embedder_unreachable") for _ in range(MAX_ATTEMPTS)]
    await put(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *away[:3], limited(), *away[3:]) as embedder:
        await seen(services, ("failed", "embedder_unreachable", None))
        assert len(embedder.requests) == MAX_ATTEMPTS + 1


async def test_nothing_is_read_while_the_embedder_is_misconfigured(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postponed, "REPAIR_SECONDS", 3600)
    await put(services, "Revenue rose by twelve percent.", "a.txt", "b.txt", "c.txt")
    waiting = ("queued", "embedder_misconfigured", None)
    async with working(services, *[misconfigured() for _ in range(3)]) as embedder:
        await seen(services, waiting, waiting, waiting)
        assert len(embedder.requests) <= 2  # those that were in work at once
    async with services.owner_sessions() as session:
        scheduled = "SELECT min(scheduled_at) > now() + interval '50 min' FROM procrastinate_jobs"
        assert await session.scalar(text(scheduled))


@pytest.mark.parametrize(
    "mood", [BadEmbeddings("Not a number."), InputTooLong("Too long.")], ids=lambda one: one.code
)
async def test_what_no_wait_mends_fails_at_once_and_leaves_the_old_version(
    services: Services, mood: ModelError
) -> None:
    await put(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services):
        await seen(services, ("ready", None, 1))
    await put(services, "Revenue fell by three percent.", "a.txt")
    async with working(services, mood) as embedder:
        await seen(services, ("failed", mood.code, 1))
        assert len(embedder.requests) == 1
    async with services.owner_sessions() as session:
        (found,) = (await session.scalars(text("SELECT content FROM chunk"))).all()
        assert "twelve" in found
        assert await session.scalar(text("SELECT count(*) FROM chunk_stage")) == 0


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("429=120", "embedder_rate_limited"),
        ("401", "embedder_misconfigured"),
        ("404", "embedder_misconfigured"),
    ],
)
async def test_a_server_that_refuses_us_and_is_repaired(
    database_url: str, fake: FakeModel, tmp_path: Path, mode: str, code: str
) -> None:
    refused = Settings(openai_base_url=fake.base_url, embedding_model=f"fake:{mode}")
    repaired = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(refused, database_url, tmp_path) as services:
        await put(services, "Revenue rose by twelve percent.", "a.txt")
        async with working(services):
            await seen(services, ("queued", code, None))
    async with open_services(repaired, database_url, tmp_path) as services, working(services):
        await seen(services, ("ready", None, 1))


async def test_a_server_that_is_away_burns_no_attempt(
    services: Services, fake: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 2)
    fake.spoil("/embeddings", "500")
    await put(services, "Revenue rose by twelve percent.", "a.txt", "b.txt", "c.txt")
    waiting = ("queued", "embedder_unreachable", None)
    async with working(services) as embedder:
        await seen(services, waiting, waiting, waiting)
        calls = len(embedder.requests)
        await until(lambda: true_of(len(embedder.requests) > calls + 3))  # again and again
        fake.reset()
        ready = ("ready", None, 1)
        await seen(services, ready, ready, ready)


async def test_those_that_wait_are_told_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RESCUE_EVERY_SECONDS", 0.1)
    names = [f"{number}.txt" for number in range(8)]
    await put(services, "Revenue rose by twelve percent.", *names)
    rows_of_last = "SELECT xmin::text FROM document WHERE id > 4 ORDER BY id"
    moods = [misconfigured() for _ in range(40)]
    async with working(services, *moods) as embedder:
        await seen(services, *[("queued", "embedder_misconfigured", None)] * len(names))
        told = await column(services, rows_of_last)
        calls = len(embedder.requests)
        await until(lambda: true_of(len(embedder.requests) > calls + 3))
        assert await column(services, rows_of_last) == told
        embedder.moods.clear()
        await seen(services, *[("ready", None, 1)] * len(names))


async def test_an_embedder_that_does_not_start_is_waited_for(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Uninstalled(Listening):
        is_repaired = False

        @override
        async def before(self, number: int) -> None:
            if not self.is_repaired:
                raise ModelError("It could not start.", code="embedder_unavailable")

        @override
        async def embed_queries(self, texts: Sequence[str]) -> Vectors:
            await self.before(0)
            return await super().embed_queries(texts)

    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 2)
    await put(services, "Revenue rose by twelve percent.", "a.txt")
    embedder = Uninstalled(services.embedder)
    async with working_with(services, embedder):
        await seen(services, ("queued", "embedder_unavailable", None))
        await until(lambda: true_of(len(embedder.requests) > 3))
        embedder.is_repaired = True
        await seen(services, ("ready", None, 1))


async def test_a_document_that_cannot_be_read_says_nothing_of_the_embedder(
    services: Services,
) -> None:
    await put(services, "%PDF-1.7 and no more", "a.pdf")
    (document,) = await column(services, "SELECT id FROM document")
    with closing(worker.Ingestion(services, 1)) as ingestion:
        async with services.owner_sessions.begin() as session:
            target = await store.begin(session, document)
        assert target is not None
        pause = ingestion._pauses.of(target)
        pause.begin(misconfigured())
        pause._until = 0.0  # it may be asked again
        await read(services, document, ingestion=ingestion)
        assert await rows(services) == [("failed", "corrupt", None)]
        assert pause.error is not None


async def true_of(found: bool) -> bool:  # noqa: FBT001  # what `until` waits for
    return found


async def test_what_the_server_refuses_of_one_document_is_its_own_fault(
    services: Services,
) -> None:
    away = [ModelError("Away.", code="embedder_timeout") for _ in range(MAX_ATTEMPTS)]
    await put(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *away) as embedder:  # questions are answered meanwhile
        await seen(services, ("failed", "embedder_timeout", None))
        assert len(embedder.requests) == MAX_ATTEMPTS


async def test_a_try_that_brought_something_burns_nothing(services: Services) -> None:
    lines = "\n".join(f"Line {n} of a contract about anvils and rockets." for n in range(4_000))
    await put(services, lines, "a.txt")

    class Hiccups(Listening):
        @override
        async def before(self, number: int) -> None:
            if number % 3 == 0:
                raise ModelError("Away.", code="embedder_timeout")

    embedder = Hiccups(services.embedder)
    async with working_with(services, embedder):
        await seen(services, ("ready", None, 1))
    assert len(embedder.requests) > 3 * MAX_ATTEMPTS


def test_each_wait_for_a_server_is_longer_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postponed, "LONGEST_AWAY_SECONDS", LONGEST_AWAY)
    pause = Pause()
    waits = []
    for _ in range(7):
        pause._until = 0.0
        assert pause.begin(ModelError("Away.", code="embedder_unreachable"))
        assert pause.begin(ModelError("Away.", code="embedder_timeout"))  # at the same time
        waits.append(pause.left_seconds)
    first = postponed.AWAY_SECONDS
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert waits[-1] == LONGEST_AWAY
    pause.end()
    assert pause.left_seconds == 0
    pause.begin(ModelError("Away.", code="embedder_unreachable"))
    assert pause.left_seconds == first
