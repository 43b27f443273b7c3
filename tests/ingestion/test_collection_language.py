"""A collection's language: told from its documents, changed for all passages or for none."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from sqlalchemy import text

from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.db import Sessions, create_engine, create_sessions
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.tables import StoredFile
from ingestion import stage_store, store
from ingestion.language import detect
from ingestion.language_store import hold_collection, index_anew
from ingestion.names import Names
from ingestion.tables import Document
from ingestion.types import Chunk, Page

TABLE = "4,213 3,981\n812 790\n"
ENGLISH = "The parties agreed on the terms of this contract, which is governed by these laws."
FRENCH = "Les parties ont convenu des termes de ce contrat, qui est soumis à ces lois."
CHINESE = "双方同意本合同的条款"

# Every passage indexed in its collection's language, and what the lexical leg counts by.
_STATE = text(
    """
    SELECT c.language,
           (SELECT coalesce(sum(l.chunks), 0) FROM lexeme l WHERE l.collection_id = c.id)
               = coalesce(sum(length(k.tsv)), 0)
           AND (SELECT count(*) FROM bm25 b WHERE b.collection_id = c.id) = count(k.id),
           coalesce(bool_and(k.tsv = to_tsvector(CAST(c.language AS regconfig), k.content)), true),
           count(k.id)
    FROM collection c LEFT JOIN chunk k ON k.collection_id = c.id GROUP BY c.id
    """
)


@dataclass
class Shelf:
    """A collection and the database it is in."""

    sessions: Sessions
    owner_id: int
    collection_id: int
    numbers: Iterator[int] = field(default_factory=count)

    async def add(self, name: str, content: str, passages: int = 1) -> int:
        """Put a document in, or a new version of it; its id."""
        async with self.sessions.begin() as session:
            number = next(self.numbers)
            file = StoredFile(
                public_id=f"file_{number}",
                owner_id=self.owner_id,
                sha256=bytes([number]) * 32,
                size=1,
                filename=name,
                media_type="text/plain",
            )
            session.add(file)
            await session.flush()
            named = Document(filename=name, media_type="text/plain", title=name)
            id_ = await file_queries.upsert_document(session, self.collection_id, file.id, named)
            assert id_ is not None
            target = await store.begin(session, id_)
        assert target is not None
        chunks = [Chunk(n, 1, 0, len(content), content, "", "", 0.0, 1) for n in range(passages)]
        async with self.sessions.begin() as session:
            space = await store.ensure_space(session, "fake", "fake", 3)
            vectors = np.ones((passages, 3), dtype=np.float32)
            await stage_store.stage(session, target, space, chunks, vectors)
            await store.store_pages(session, target, [Page(1, None, content)])
            read = store.Read(1, Names(name, ""))
            assert await store.swap(session, target, space, detect(content), read) == passages
        return id_

    async def remove(self, document_id: int) -> None:
        async with self.sessions.begin() as session:
            await documents.remove(session, document_id, Removed())

    async def choose(self, language: str) -> None:
        async with self.sessions.begin() as session:
            assert await hold_collection(session, self.collection_id)
            await index_anew(session, self.collection_id, language)

    async def language(self) -> str | None:
        """The collection's language, once it is sure that all passages are indexed in it."""
        async with self.sessions.begin() as session:
            language, is_sum_right, is_indexed, _ = (await session.execute(_STATE)).one()
        assert is_sum_right
        assert is_indexed
        return None if language is None else str(language)


@pytest.fixture
async def shelf(database_url: str) -> AsyncIterator[Shelf]:
    engine = create_engine(database_url, pool_size=4)
    sessions = create_sessions(engine)
    async with sessions.begin() as session:
        user = await insert_user(session, "ann", "", "x")
        assert user is not None
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, user.id, wanted)
        collection = (await assistant_queries.collections_of(session, assistant.id))[0]
    yield Shelf(sessions, user.id, collection.id)
    await engine.dispose()


async def test_a_table_decides_nothing(shelf: Shelf) -> None:
    await shelf.add("table", TABLE, passages=9)
    assert await shelf.language() == "simple"
    await shelf.add("contract", ENGLISH)
    assert await shelf.language() == "english"
    await shelf.add("another table", TABLE, passages=9)
    assert await shelf.language() == "english"


async def test_most_passages_decide_and_not_the_first(shelf: Shelf) -> None:
    await shelf.add("contrat", FRENCH, passages=2)
    assert await shelf.language() == "french"
    await shelf.add("contract", ENGLISH)
    await shelf.add("second contract", ENGLISH)
    assert await shelf.language() == "french"
    await shelf.add("third contract", ENGLISH)
    assert await shelf.language() == "english"


async def test_a_new_version_counts_instead_of_the_old_one(shelf: Shelf) -> None:
    await shelf.add("contract", FRENCH, passages=3)
    await shelf.add("contract", ENGLISH)
    assert await shelf.language() == "english"


async def test_words_without_spaces_do_not_keep_stems_from_the_others(shelf: Shelf) -> None:
    await shelf.add("hetong", CHINESE, passages=9)
    await shelf.add("contract", ENGLISH)
    async with shelf.sessions.begin() as session:
        found = await session.execute(
            text("SELECT DISTINCT tsv @@ '''合同''' FROM chunk WHERE content = :text"),
            {"text": CHINESE},
        )
        language = await session.scalar(text("SELECT language FROM collection"))
    assert (found.scalars().all(), language) == ([True], "english")


async def test_what_an_owner_chose_stays(shelf: Shelf) -> None:
    await shelf.add("contract", ENGLISH, passages=2)
    await shelf.choose("german")
    assert await shelf.language() == "german"
    await shelf.add("contrat", FRENCH, passages=5)
    assert await shelf.language() == "german"


async def test_what_an_owner_chose_beforehand_stays(shelf: Shelf) -> None:
    await shelf.choose("simple")
    await shelf.add("contract", ENGLISH)
    await shelf.add("second contract", ENGLISH)
    assert await shelf.language() == "simple"


async def test_without_documents_a_collection_has_no_language(shelf: Shelf) -> None:
    french = await shelf.add("contrat", FRENCH, passages=5)
    await shelf.remove(french)
    assert await shelf.language() is None
    english = await shelf.add("contract", ENGLISH)
    await shelf.add("second contract", ENGLISH)
    await shelf.remove(english)
    assert await shelf.language() == "english"


async def test_more_passages_than_one_statement_takes(shelf: Shelf) -> None:
    await shelf.add("contract", ENGLISH, passages=1_201)
    await shelf.choose("spanish")
    assert await shelf.language() == "spanish"


async def test_a_document_that_comes_meanwhile_waits_and_takes_the_new_language(
    shelf: Shelf,
) -> None:
    await shelf.add("contract", ENGLISH)
    async with shelf.sessions.begin() as session:
        await hold_collection(session, shelf.collection_id)
        coming = asyncio.create_task(shelf.add("second contract", ENGLISH))
        await _waits_for_a_lock(shelf.sessions)
        await index_anew(session, shelf.collection_id, "german")
        assert await shelf.language() == "english"  # for everybody else, until the commit
    await coming
    assert await shelf.language() == "german"


async def test_workers_that_decide_at_once_do_not_block_each_other(shelf: Shelf) -> None:
    first = await shelf.add("contrat", FRENCH, passages=2)
    names = [f"contract {number}" for number in range(4)]
    async with asyncio.TaskGroup() as group:
        group.create_task(shelf.remove(first))
        for name in names[:3]:
            group.create_task(shelf.add(name, ENGLISH))
    await shelf.add(names[3], ENGLISH)
    async with shelf.sessions.begin() as session:
        _, is_sum_right, is_indexed, passages = (await session.execute(_STATE)).one()
    assert (is_sum_right, is_indexed, passages) == (True, True, 4)


async def _waits_for_a_lock(sessions: Sessions) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with sessions.begin() as session:
            if await session.scalar(waiting):
                return
        await asyncio.sleep(0.01)
