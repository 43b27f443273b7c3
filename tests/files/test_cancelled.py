"""A document that its owner cancels while it is read stays cancelled, however its job ends."""

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from procrastinate import JobContext
from sqlalchemy import text

from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.config import Settings
from aiconvokit.files import attachment_queries, documents
from aiconvokit.files.documents import Incoming
from aiconvokit.files.worker import MAX_ATTEMPTS, Ingestion
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.llm.errors import ModelError
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion.embed import Embedder
from ingestion.pipeline import AT_ONCE
from ingestion.types import Vectors

CONTENT = b"\n".join(
    b"Line %d of a contract about anvils and rockets." % one for one in range(9_000)
)
"""More than one batch of passages: the first is staged when the second is embedded."""


class Cancelling:
    """An embedder during whose work the document is cancelled; then it fails, or it does not."""

    def __init__(self, services: Services, error: ModelError | None, at: int) -> None:
        self.calls = 0
        self._services, self._error, self._at = services, error, at
        self._embedder: Embedder = services.embedder
        self.provider, self.model = services.embedder.provider, services.embedder.model

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        if self.calls == self._at:
            async with self._services.sessions.begin() as session:
                ids = (await session.scalars(text("SELECT id FROM document"))).all()
                await attachment_queries.cancel(session, ids)
            if self._error:
                raise self._error
        return await self._embedder.embed_passages(texts)

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed_queries(texts)

    async def close(self) -> None:
        """The one inside is closed by who opened it."""


@pytest.fixture
async def services(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


@pytest.fixture
async def document(services: Services) -> int:
    async with services.sessions.begin() as session:
        user = await insert_user(session, "ann", "", "x")
        assert user is not None
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        collection = (await assistant_queries.collections_of(session, assistant.id))[0]
    incoming = [Incoming("a.txt", io.BytesIO(CONTENT))]
    async with (
        documents.received(services, incoming) as intake,
        services.sessions.begin() as session,
    ):
        (made,) = await documents.add(services, session, user.id, collection.id, intake)
    return made


async def read(services: Services, document: int, attempts: int = 0) -> None:
    context = cast("JobContext", SimpleNamespace(job=SimpleNamespace(id=0, attempts=attempts)))
    with closing(Ingestion(services, 1)) as ingestion:
        await ingestion.run(context, document)


async def one(services: Services, sql: str) -> Any:
    async with services.owner_sessions() as session:
        return (await session.execute(text(sql))).one()


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize(
    "error",
    [
        None,
        ModelError("No more for now.", code="embedder_rate_limited"),
        ModelError("Too long.", code="input_too_long"),
    ],
    ids=["none", "waits", "hopeless"],
)
async def test_a_cancelled_document_stays_so(
    services: Services, document: int, error: ModelError | None, at: int
) -> None:
    embedder = Cancelling(services, error, at)
    await read(replace(services, embedders=OneEmbedder(embedder)), document)
    calls = embedder.calls
    assert at <= calls < at + AT_ONCE  # nothing but what was under way beside it
    told = "SELECT status, error_code, ready_version FROM document"
    assert await one(services, told) == ("failed", "cancelled", None)
    left = "SELECT (SELECT count(*) FROM chunk_stage), (SELECT count(*) FROM chunk)"
    assert await one(services, left) == (0, 0)
    assert await one(services, "SELECT count(*) FROM procrastinate_jobs") == (1,)  # the upload's
    # That one comes later, and finds nothing to do; nor does it say that it died of it.
    for attempts in (0, MAX_ATTEMPTS):
        await read(replace(services, embedders=OneEmbedder(embedder)), document, attempts)
    assert embedder.calls == calls
    assert await one(services, told) == ("failed", "cancelled", None)


async def test_what_is_searchable_is_not_cancelled(services: Services, document: int) -> None:
    await read(services, document)
    async with services.sessions.begin() as session:
        await attachment_queries.cancel(session, [document])
    assert await one(services, "SELECT status FROM document") == ("ready",)
