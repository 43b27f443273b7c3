"""What the worker does while the embedder will not serve us, on the real queue."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from typing_extensions import override

from aiconvokit import jobs
from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.config import Settings
from aiconvokit.files import documents, postponed, worker
from aiconvokit.files.documents import Incoming
from aiconvokit.files.postponed import Pause
from aiconvokit.files.worker import MAX_ATTEMPTS, work
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.llm.errors import BadEmbeddings, InputTooLong, ModelError
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion.embed import Embedder
from ingestion.types import Vectors

PATIENCE_SECONDS = 60
LONGEST_AWAY = postponed.LONGEST_AWAY_SECONDS

# The worker runs in this process; the shipped one does not turn warnings into errors.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")

Row = tuple[str, str | None, int | None]


class Moody:
    """An embedder that raises what it is told to, once each, and then works."""

    def __init__(self, embedder: Embedder, moods: Sequence[ModelError]) -> None:
        self.moods = list(moods)
        self.calls = 0
        self._embedder = embedder

    @property
    def provider(self) -> str:
        return self._embedder.provider

    @property
    def model(self) -> str:
        return self._embedder.model

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.moods:
            raise self.moods.pop(0)
        return await self._embedder.embed_passages(texts)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed_queries(texts)

    async def close(self) -> None:
        await self._embedder.close()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(postponed, "REPAIR_SECONDS", 1)
    monkeypatch.setattr(postponed, "LONGEST_SECONDS", 1)
    monkeypatch.setattr(postponed, "LONGEST_AWAY_SECONDS", 1)
    monkeypatch.setattr(worker, "RETRY_SECONDS", (0, 0, 0, 0))


@pytest.fixture
async def services(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


@asynccontextmanager
async def working(services: Services, *moods: ModelError) -> AsyncIterator[Moody]:
    """A worker whose embedder has moods."""
    embedder = Moody(services.embedder, moods)
    task = asyncio.create_task(work(replace(services, embedders=OneEmbedder(embedder)), 1))
    try:
        yield embedder
    finally:
        task.cancel()
        await asyncio.wait({task})


async def upload(services: Services, content: str, *names: str) -> None:
    """Store documents of one assistant, which is made for the first."""
    async with services.sessions.begin() as session:
        user = await session.scalar(text('SELECT id FROM "user"'))
        collection = await session.scalar(text("SELECT id FROM collection"))
        if user is None or collection is None:
            made = await insert_user(session, "ann", "", "x")
            assert made is not None
            wanted = NewAssistant("Reports", "Acme", "Be brief.")
            assistant = await assistant_queries.insert_assistant(session, made.id, wanted)
            collections = await assistant_queries.collections_of(session, assistant.id)
            user, collection = made.id, collections[0].id
    incoming = [Incoming(name, io.BytesIO(content.encode()), None) for name in names]
    async with (
        documents.received(services, incoming) as intake,
        services.sessions.begin() as session,
    ):
        await documents.add(services, session, user, collection, intake)


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
    await upload(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *moods) as embedder:
        await seen(services, ("queued", moods[0].code, None))
        await seen(services, ("ready", None, 1))
        assert embedder.calls == len(moods) + 1
    async with services.owner_sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


async def test_attempts_burned_before_a_wait_still_count(services: Services) -> None:
    away = [ModelError("Away.", code="embedder_unreachable") for _ in range(MAX_ATTEMPTS)]
    await upload(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *away[:3], limited(), *away[3:]) as embedder:
        await seen(services, ("failed", "embedder_unreachable", None))
        assert embedder.calls == MAX_ATTEMPTS + 1


async def test_nothing_is_read_while_the_embedder_is_misconfigured(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postponed, "REPAIR_SECONDS", 3600)
    await upload(services, "Revenue rose by twelve percent.", "a.txt", "b.txt", "c.txt")
    waiting = ("queued", "embedder_misconfigured", None)
    async with working(services, *[misconfigured() for _ in range(3)]) as embedder:
        await seen(services, waiting, waiting, waiting)
        assert embedder.calls <= 2  # those that were in work at once
    async with services.owner_sessions() as session:
        scheduled = "SELECT min(scheduled_at) > now() + interval '50 min' FROM procrastinate_jobs"
        assert await session.scalar(text(scheduled))


@pytest.mark.parametrize(
    "mood", [BadEmbeddings("Not a number."), InputTooLong("Too long.")], ids=lambda one: one.code
)
async def test_what_no_wait_mends_fails_at_once_and_leaves_the_old_version(
    services: Services, mood: ModelError
) -> None:
    await upload(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services):
        await seen(services, ("ready", None, 1))
    await upload(services, "Revenue fell by three percent.", "a.txt")
    async with working(services, mood) as embedder:
        await seen(services, ("failed", mood.code, 1))
        assert embedder.calls == 1
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
        await upload(services, "Revenue rose by twelve percent.", "a.txt")
        async with working(services):
            await seen(services, ("queued", code, None))
    async with open_services(repaired, database_url, tmp_path) as services, working(services):
        await seen(services, ("ready", None, 1))


async def test_a_server_that_is_away_burns_no_attempt(
    services: Services, fake: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 2)
    fake.spoil("/embeddings", "500")
    await upload(services, "Revenue rose by twelve percent.", "a.txt", "b.txt", "c.txt")
    waiting = ("queued", "embedder_unreachable", None)
    async with working(services) as embedder:
        await seen(services, waiting, waiting, waiting)
        calls = embedder.calls
        await until(lambda: true_of(embedder.calls > calls + 3))  # again and again
        fake.reset()
        ready = ("ready", None, 1)
        await seen(services, ready, ready, ready)


async def true_of(found: bool) -> bool:  # noqa: FBT001  # what `until` waits for
    return found


async def test_what_the_server_refuses_of_one_document_is_its_own_fault(
    services: Services,
) -> None:
    away = [ModelError("Away.", code="embedder_timeout") for _ in range(MAX_ATTEMPTS)]
    await upload(services, "Revenue rose by twelve percent.", "a.txt")
    async with working(services, *away) as embedder:  # questions are answered meanwhile
        await seen(services, ("failed", "embedder_timeout", None))
        assert embedder.calls == MAX_ATTEMPTS


async def test_a_try_that_brought_something_burns_nothing(services: Services) -> None:
    lines = "\n".join(f"Line {n} of a contract about anvils and rockets." for n in range(4_000))
    await upload(services, lines, "a.txt")

    class Hiccups(Moody):
        @override
        async def embed_passages(self, texts: Sequence[str]) -> Vectors:
            self.calls += 1
            if self.calls % 3 == 0:
                raise ModelError("Away.", code="embedder_timeout")
            return await self._embedder.embed_passages(texts)

    embedder = Hiccups(services.embedder, [])
    task = asyncio.create_task(work(replace(services, embedders=OneEmbedder(embedder)), 1))
    try:
        await seen(services, ("ready", None, 1))
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert embedder.calls > 3 * MAX_ATTEMPTS


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
