"""A collection of many passages, made as ingestion makes it but for parsing and embedding.

Passages come from `chunk_document` and rows from `ingestion.store`, one transaction a document:
what a search reads is what it reads after uploads.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import queries as account_queries
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.db import create_engine, create_sessions
from aiconvokit.files import queries as file_queries
from aiconvokit.storage import Stored
from benchmarks.turns import vectors
from benchmarks.turns.documents import PAGES, documents, vocabulary
from ingestion import stage_store, store
from ingestion.chunk import chunk_document
from ingestion.documents import ParsedDocument
from ingestion.language import detect, sample
from ingestion.names import names_of
from ingestion.tables import Document

USER = "bench"
PASSWORD = "correct horse battery"  # noqa: S105  # of a database that is thrown away
PROVIDER = "fill"
"""In the place of the fake model's address, which is another one in each run."""
TELL_EVERY = 50

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a database holds: so many assistants, each with at least so many passages."""

    passages: int
    assistants: int = 1
    pages: int = PAGES
    """Of a document."""

    @property
    def name(self) -> str:
        return f"{self.assistants}x{self.passages}"


async def fill(database_url: str, shape: Shape, tell: Tell) -> None:
    """Make one user with assistants of that shape in an empty, migrated database."""
    engine = create_engine(database_url, pool_size=1)
    sessions = create_sessions(engine)
    made = enumerate(documents(vocabulary(), shape.pages))
    try:
        async with sessions.begin() as session:
            owner_id = await owner(session)
        for _ in range(shape.assistants):
            async with sessions.begin() as session:
                collection_id = await new_collection(session, owner_id)
            done = 0
            while done < shape.passages:
                number, document = next(made)
                async with sessions.begin() as session:
                    done += await _add(session, owner_id, collection_id, (number, document))
                if number % TELL_EVERY == TELL_EVERY - 1:
                    tell(f"{number + 1:,} documents")
    finally:
        await engine.dispose()


async def owner(session: AsyncSession) -> int:
    """The id of a user who can log in."""
    hashed = await Passwords().hash(PASSWORD)
    user = await account_queries.insert_user(session, USER, "", hashed)
    if user is None:
        raise RuntimeError(USER)
    return user.id


async def new_collection(session: AsyncSession, owner_id: int) -> int:
    """The id of the collection of a new assistant."""
    wanted = NewAssistant("Reports", "Acme", "Answer briefly.")
    assistant = await assistant_queries.insert_assistant(session, owner_id, wanted)
    (collection,) = await assistant_queries.collections_of(session, assistant.id)
    return collection.id


async def _add(
    session: AsyncSession, owner_id: int, collection_id: int, numbered: tuple[int, ParsedDocument]
) -> int:
    """Store one document; how many passages it has."""
    number, document = numbered
    filename = f"report-{number:05d}.txt"
    digest = hashlib.sha256(filename.encode()).digest()
    stored = Stored(digest, sum(len(page.text) for page in document.pages), b"")
    file_id = await file_queries.upsert_file(
        session, owner_id, stored, filename, document.media_type
    )
    named = Document(filename=filename, media_type=document.media_type, title=document.title)
    document_id = await file_queries.upsert_document(session, collection_id, file_id, named)
    target = None if document_id is None else await store.begin(session, document_id)
    if target is None:
        raise RuntimeError(filename)
    chunks = chunk_document(document)
    embedded = np.stack([vectors.embed(chunk.embedded_text) for chunk in chunks])
    space_id = await store.ensure_space(session, PROVIDER, vectors.MODEL, vectors.DIMENSIONS)
    await stage_store.stage(session, target, space_id, chunks, embedded)
    await store.store_pages(session, target, document.pages)
    language = detect(sample(page.text for page in document.pages))
    read = store.Read(len(document.pages), names_of(filename, document))
    await store.swap(session, target, space_id, language, read)
    return len(chunks)


async def tidy(database_url: str) -> None:
    """What autovacuum would come to do in the middle of a run."""
    await _outside_transaction(database_url, "VACUUM (ANALYZE)", {})


async def settle(database_url: str, provider: str) -> None:
    """Point the vectors at the model server of this run."""
    statement = "UPDATE embedding_space SET provider = :provider"
    await _outside_transaction(database_url, statement, {"provider": provider})


async def add_messages(database_url: str, chat_ids: Sequence[int], messages: int) -> None:
    """Put old questions and answers into chats, so many messages into each."""
    statement = """
        INSERT INTO message (public_id, thread_id, role, status, content)
        SELECT 'msg_bench_' || chat.id || '_' || n, chat.thread_id,
               CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END, 'complete',
               'What the board decided on matter ' || n || ' in May, and what came of it since.'
        FROM chat, generate_series(1, :messages) AS n WHERE chat.id = ANY(:chats)
    """
    keys = {"messages": messages, "chats": list(chat_ids)}
    await _outside_transaction(database_url, statement, keys)
    await _outside_transaction(database_url, "ANALYZE message", {})


async def _outside_transaction(database_url: str, statement: str, keys: dict[str, Any]) -> None:
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        committing = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await committing.execute(text(statement), keys)
    await engine.dispose()
