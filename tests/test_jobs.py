"""What two workers may do to each other, and what a broken one must not do to a shutdown."""

import asyncio
import gc
from types import SimpleNamespace
from typing import cast

import numpy as np
import psycopg
import pytest
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from aiconvokit import jobs
from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.cli import runtime
from aiconvokit.config import Settings
from aiconvokit.db import Sessions, create_engine, create_sessions
from aiconvokit.files import folder_queries
from aiconvokit.files import queries as file_queries
from aiconvokit.files.tables import StoredFile
from aiconvokit.files.worker import MAX_ATTEMPTS, Ingestion
from aiconvokit.jobs import create_queue
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.services import Services
from ingestion import stage_store, store
from ingestion.embed import Embedder
from ingestion.names import Names
from ingestion.spread_store import ENOUGH, QUESTIONS_SPREAD
from ingestion.store import Target
from ingestion.tables import Document
from ingestion.types import Chunk, Page

CHUNKS = [Chunk(n, 1, n, n + 1, "abc"[n], "", "", 0.0, 1) for n in range(3)]
VECTORS = np.eye(3, dtype=np.float32)

READ = store.Read(1, Names("a", ""))


async def target_of(sessions: Sessions) -> Target:
    async with sessions.begin() as session:
        user = await insert_user(session, "ann", "", "x")
        assert user is not None
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        collection = (await assistant_queries.collections_of(session, assistant.id))[0]
        file = StoredFile(
            public_id="file_1",
            owner_id=user.id,
            sha256=b"x" * 32,
            size=3,
            filename="a.txt",
            media_type="text/plain",
        )
        session.add(file)
        await session.flush()
        named = Document(filename="a.txt", media_type="text/plain", title="a")
        document = await file_queries.upsert_document(session, collection.id, file.id, named)
        assert document is not None
        found = await store.begin(session, document)
    assert found is not None
    return found


async def swap(sessions: Sessions, target: Target, chunks: list[Chunk]) -> int | None:
    async with sessions.begin() as session:
        space = await store.ensure_space(session, "fake", "fake", 3)
        vectors = VECTORS[[chunk.ordinal for chunk in chunks]]
        await stage_store.stage(session, target, space, chunks, vectors)
        await store.store_pages(session, target, [Page(1, None, "abc")])
        return await store.swap(session, target, space, "english", READ)


async def test_a_worker_that_wakes_up_late_replaces_nothing(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    target = await target_of(sessions)
    assert await swap(sessions, target, CHUNKS) == 3
    assert await swap(sessions, target, CHUNKS[2:]) is None
    async with sessions.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM chunk")) == 3
        # A second look at what is searchable already heals a row that says otherwise.
        await session.execute(text("UPDATE document SET status = 'queued'"))
        assert await store.begin(session, target.document_id) is None
        assert await session.scalar(text("SELECT status FROM document")) == "ready"
        again = await folder_queries.queue_again(session, target.collection_id, "a.txt")
        assert again == target.document_id
        assert await session.scalar(text("SELECT status FROM document")) == "ready"
    await engine.dispose()


async def test_a_stop_whose_clean_up_fails_is_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(_services: object, _concurrency: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("the database is away")

    monkeypatch.setattr(runtime, "work", work)
    task = asyncio.create_task(runtime.work_forever(None, 1))  # type: ignore[arg-type]  # not looked at
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("attempt", "is_tried_again"), [(1, True), (MAX_ATTEMPTS, False)], ids=["first", "last"]
)
async def test_a_document_that_is_there_is_not_tried_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch, attempt: int, *, is_tried_again: bool
) -> None:
    async def refuse(*_: object) -> None:
        async with sessions.begin() as session:
            await session.execute(text("INSERT INTO page SELECT 0, 1, 1, NULL, ''"))

    async def stored(_: bytes) -> bytes:
        return b"abc"

    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    target = await target_of(sessions)
    services = SimpleNamespace(
        owner_sessions=sessions,
        embedders=OneEmbedder(cast("Embedder", SimpleNamespace(provider="fake", model="fake"))),
        queue=create_queue(database_url, pool_size=1),
        storage=SimpleNamespace(get=stored),
        settings=Settings(),
    )
    ingestion = Ingestion(cast("Services", services), 1)
    monkeypatch.setattr("ingestion.pipeline.Pipeline.ingest", refuse)
    context = SimpleNamespace(job=SimpleNamespace(id=1, attempts=attempt - 1))
    run = ingestion.run(cast("JobContext", context), target.document_id)
    if is_tried_again:
        with pytest.raises(IntegrityError):
            await run
    else:
        await run
        async with sessions.begin() as session:
            states = await session.execute(text("SELECT status, error_code FROM document"))
            assert states.all() == [("failed", "internal_error")]
    await engine.dispose()


async def test_the_spread_of_cosines_is_measured_once_there_are_enough(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    target = await target_of(sessions)
    chunks = [Chunk(n, 1, 0, 1, "a", "", "", 0.0, 1) for n in range(ENOUGH)]
    random = np.random.default_rng(1).normal(size=(len(chunks), 3)).astype(np.float32)
    vectors = random / np.linalg.norm(random, axis=1, keepdims=True)
    async with sessions.begin() as session:
        space = await store.ensure_space(session, "fake", "fake", 3)
        await stage_store.stage(session, target, space, chunks, vectors)
        await store.swap(session, target, space, "english", READ)
        measured = await session.scalar(text("SELECT cosine_sd FROM embedding_space"))
    cosines = (vectors @ vectors.T)[np.triu_indices(len(chunks), 1)]
    expected = QUESTIONS_SPREAD * cosines.std(ddof=1)
    assert measured == pytest.approx(float(expected), rel=0.01)  # halves are rounded
    await engine.dispose()


async def test_a_few_passages_tell_no_spread(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=2)
    sessions = create_sessions(engine)
    assert await swap(sessions, await target_of(sessions), CHUNKS) == 3
    async with sessions.begin() as session:
        assert await session.scalar(text("SELECT cosine_sd FROM embedding_space")) is None
    await engine.dispose()


async def test_a_database_that_is_away_is_a_line_also_when_a_job_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(**_: object) -> None:  # as the queue does: nobody asks for a job's own fault
        async def process() -> None:
            raise ConnectorException from psycopg.OperationalError("it hung up")

        task = asyncio.create_task(process())
        await asyncio.wait({task})
        del task
        gc.collect()

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(jobs, "rescue_stalled", nothing)
    queue = cast("App", SimpleNamespace(run_worker_async=work))
    await jobs.run_worker(queue, concurrency=1, rescue=nothing)
    [told] = [one for one in caplog.records if one.name == "asyncio"]
    assert "never retrieved" in told.getMessage()
    assert told.exc_info is None
