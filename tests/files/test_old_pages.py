"""Text of a replaced version stays while an answer cites it, and goes when none does."""

import io
from collections.abc import AsyncIterator
from contextlib import closing
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
from aiconvokit.files import documents, old_pages
from aiconvokit.files.documents import Incoming
from aiconvokit.files.worker import Ingestion
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel

CITING = """
WITH one AS (INSERT INTO thread (public_id, owner_id) SELECT 'thread_x', id FROM "user"
             RETURNING id)
INSERT INTO message (public_id, thread_id, role, status, content, citations)
SELECT 'msg_x', id, 'assistant', 'complete', 'x',
       jsonb_build_array(jsonb_build_object('document_id', CAST(:id AS bigint), 'version', 1))
FROM one
"""
LATER = "UPDATE document SET updated_at = now() - interval '2 hours'"


@pytest.fixture
async def services(database_url: str, fake: FakeModel, tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(openai_base_url=fake.base_url, embedding_model="fake")
    async with open_services(settings, database_url, tmp_path) as found:
        yield found


async def run(services: Services, statement: str, **keys: Any) -> None:
    async with services.owner_sessions.begin() as session:
        await session.execute(text(statement), keys)


async def versions(services: Services) -> list[int]:
    async with services.owner_sessions() as session:
        found = await session.scalars(text("SELECT DISTINCT version FROM page ORDER BY 1"))
        return list(found)


@pytest.fixture
async def document(services: Services) -> int:
    """One that was replaced twice, and of which the fourth version is not read yet."""
    async with services.sessions.begin() as session:
        user = await insert_user(session, "ann", "", "x")
        assert user is not None
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        collection = (await assistant_queries.collections_of(session, assistant.id))[0]
    made = 0
    for number in range(4):
        content = io.BytesIO(b"The rent is EUR %d a month." % (900 + number))
        async with (
            documents.received(services, [Incoming("a.txt", content)]) as intake,
            services.sessions.begin() as session,
        ):
            (made,) = await documents.add(services, session, user.id, collection.id, intake)
        if number < 3:
            context = cast("JobContext", SimpleNamespace(job=SimpleNamespace(id=0, attempts=0)))
            with closing(Ingestion(services, 1)) as ingestion:
                await ingestion.run(context, made)
    return made


async def test_text_goes_with_the_last_answer_that_cites_it(
    services: Services, document: int
) -> None:
    await run(services, CITING, id=document)
    await old_pages.sweep(services)
    assert await versions(services) == [1, 2, 3]  # a turn may be reading them still
    await run(services, LATER)
    await old_pages.sweep(services)
    assert await versions(services) == [1, 3]  # the third is searched until the fourth is there
    await run(services, "DELETE FROM thread")
    await old_pages.sweep(services)
    assert await versions(services) == [3]


def test_it_is_time_once_in_a_while() -> None:
    due = old_pages.Due(600.0)
    assert [due.is_now(), due.is_now()] == [True, False]
    assert old_pages.Due(0.0).is_now()
