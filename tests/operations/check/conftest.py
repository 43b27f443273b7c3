"""A database with two documents that were read, and what the checks say of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from aiconvokit.config import Settings
from aiconvokit.operations.check.examination import AT_REST, check
from aiconvokit.operations.check.kinds import Finding
from aiconvokit.services import Services, open_services
from fake_model.server import FakeModel
from ingestion import lexical_store
from support.reading import collection, owner, read, upload

BLOCK = 3
"""Passages of a block, so that few documents make some."""


@pytest.fixture(scope="module")
async def services(
    database: str, fake_server: FakeModel, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    settings = Settings(openai_base_url=fake_server.base_url, embedding_model="fake")
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical_store, "BLOCK", BLOCK)
        async with open_services(settings, database, folder) as found:
            yield found


@pytest.fixture(scope="module")
def sql(services: Services) -> Callable[..., Any]:
    """One statement as the owner, without foreign keys; the first value of its answer."""

    def run(statement: str) -> Any:
        with psycopg.connect(services.database_url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            answer = connection.execute(statement)
            row = answer.fetchone() if answer.description else None
        return row[0] if row else None

    return run


Put = Callable[..., Awaitable[int | None]]


@pytest.fixture(scope="module")
async def put(services: Services, sql: Callable[..., Any]) -> Put:
    """Put a file into the one assistant, and read it unless told otherwise.

    Its document; None when it is there already.
    """
    ann = await owner(services, "ann")
    reports = await collection(services, ann)

    async def putting(name: str, content: bytes, *, is_read: bool = True) -> int | None:
        changed = await upload(services, ann, reports, {name: content})
        made = changed[0] if changed else None
        if made is not None and is_read:
            await read(services, made)
            sql("DELETE FROM procrastinate_jobs")
        return made

    return putting


@pytest.fixture
def reading(services: Services) -> Callable[[int], Awaitable[None]]:
    """Read a document as a worker would."""

    async def one(document: int) -> None:
        await read(services, document)

    return one


@pytest.fixture
def checked(services: Services) -> Callable[..., Awaitable[dict[str, Finding]]]:
    """What a check finds on a server at rest, by kind."""

    async def checking(*, repair: bool = False) -> dict[str, Finding]:
        found = await check(services, AT_REST, repair=repair)
        return {one.kind: one for one in found}

    return checking
