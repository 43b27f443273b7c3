"""Documents read in this process, without a queue: what a worker does with one job."""

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from procrastinate import JobContext
from sqlalchemy import text

from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.files import documents
from aiconvokit.files.documents import Incoming
from aiconvokit.files.worker import Ingestion
from aiconvokit.llm.embedders import OneEmbedder
from aiconvokit.services import Services
from ingestion.embed import Embedder
from ingestion.types import Vectors


class Listening:
    """An embedder that remembers what it was asked for; tests make it slow or faulty."""

    def __init__(self, embedder: Embedder) -> None:
        self.requests: list[list[str]] = []
        self._embedder = embedder
        self.provider, self.model = embedder.provider, embedder.model

    @property
    def texts(self) -> list[str]:
        """Of all requests for passages."""
        return [one for request in self.requests for one in request]

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.requests.append(list(texts))
        await self.before(len(self.requests))
        return await self._embedder.embed_passages(texts)

    async def before(self, number: int) -> None:
        """What happens before the request of that number, from 1, is answered."""

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed_queries(texts)

    async def close(self) -> None:
        """The one inside is closed by who opened it."""


def with_embedder(services: Services, embedder: Embedder) -> Services:
    """The same services with another embedder."""
    return replace(services, embedders=OneEmbedder(embedder))


async def owner(services: Services, name: str) -> int:
    """A new user's id."""
    async with services.sessions.begin() as session:
        made = await insert_user(session, name, "", "x")
        assert made is not None
        return made.id


async def collection(services: Services, owner_id: int) -> int:
    """The collection of a new assistant."""
    async with services.sessions.begin() as session:
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, owner_id, wanted)
        return (await assistant_queries.collections_of(session, assistant.id))[0].id


async def upload(
    services: Services, owner_id: int, collection_id: int, files: dict[str, bytes]
) -> list[int]:
    """Store files as an upload does; the ids of their documents."""
    incoming = [Incoming(name, io.BytesIO(content), None) for name, content in files.items()]
    async with (
        documents.received(services, incoming) as intake,
        services.sessions.begin() as session,
    ):
        return await documents.add(services, session, owner_id, collection_id, intake)


async def read(
    services: Services,
    document_id: int,
    job_id: int = 0,
    ingestion: Ingestion | None = None,
    attempts: int = 0,
) -> None:
    """One try at a document, after so many attempts."""
    context = cast("JobContext", SimpleNamespace(job=SimpleNamespace(id=job_id, attempts=attempts)))
    if ingestion is not None:
        await ingestion.run(context, document_id)
        return
    with closing(Ingestion(services, 2)) as own:
        await own.run(context, document_id)


async def row(services: Services, statement: str) -> Any:
    """The only row of a query."""
    async with services.owner_sessions() as session:
        return (await session.execute(text(statement))).one()


async def column(services: Services, statement: str) -> list[Any]:
    """The only column of a query."""
    async with services.owner_sessions() as session:
        return list((await session.scalars(text(statement))).all())
