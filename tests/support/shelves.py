"""Collections filled by SQL, as the worker leaves them: for tests of what comes after it."""

import hashlib
from collections.abc import Sequence
from itertools import count
from uuid import UUID

from pgvector import HalfVector
from sqlalchemy import text

from aiconvokit.accounts.queries import insert_user
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.services import Services
from ingestion import store
from ingestion.language_store import hold_collection
from ingestion.lexical_store import index_document
from ingestion.tables import Collection, EmbeddingSpace

_FILE = """
INSERT INTO file (public_id, owner_id, sha256, size, filename, media_type)
VALUES (:name, :owner, sha256(:sha256), 0, :name, '') RETURNING id
"""
_DOCUMENT = """
INSERT INTO document (public_id, collection_id, file_id, filename, media_type, title, ready_version,
                      status, chunk_count)
VALUES (:name, :collection, :file, :name, '', :name, 1, 'ready', :size) RETURNING id
"""
_PAGE = "INSERT INTO page (document_id, version, number, text) VALUES (:document, 1, 1, :text)"
_CHUNKS = """
INSERT INTO chunk (collection_id, document_id, version, ordinal, page, start_offset, end_offset,
                   heading, context, content, number_density, digest, tsv)
SELECT :collection, :document, 1, nr, 1, 0, 1, '', '', one, 0, digest, to_tsvector('simple', one)
FROM unnest(CAST(:texts AS text[]), CAST(:digests AS uuid[])) WITH ORDINALITY AS t(one, digest, nr)
RETURNING id
"""
_VECTOR = """
INSERT INTO {} (collection_id, chunk_id, document_id, embedding)
VALUES (:collection, :chunk, :document, CAST(:vector AS halfvec))
"""
_COUNTED = """
SELECT count(*) FILTER (WHERE c.id IS NOT NULL), count(*) FILTER (WHERE c.id IS NULL)
FROM {} v LEFT JOIN chunk c ON c.collection_id = v.collection_id AND c.id = v.chunk_id
WHERE v.collection_id = :collection
"""
_numbers = count(1)


class Shelf:
    """A user's collection, with one assistant that reads it."""

    def __init__(self, services: Services, owner: int, assistant: int, collection: int) -> None:
        self.services = services
        self.owner = owner
        self.assistant = assistant
        self.id = collection

    async def collection(self) -> Collection:
        """As it is now."""
        async with self.services.owner_sessions() as session:
            return await session.get_one(Collection, self.id)

    async def add(self, *texts: str) -> int:
        """Put a document of these passages in, embedded by the collection's model; its id.

        As the worker does: embedded first, and then put where the collection is by then.
        """
        while True:
            space_id = (await self.collection()).space_id
            made = await self._add(texts, space_id)
            if made is not None:
                return made

    async def _add(self, texts: Sequence[str], space_id: int | None) -> int | None:
        sessions = self.services.owner_sessions
        embedder = self.services.embedders.configured
        if space_id is not None:
            async with sessions() as session:
                space = await session.get_one(EmbeddingSpace, space_id)
            embedder = await self.services.embedders.of(space.provider, space.model)
        vectors = await embedder.embed_passages(texts)
        async with sessions.begin() as session:
            collection = await hold_collection(session, self.id)
            assert collection is not None
            if collection.space_id != space_id:
                return None
            if space_id is None:
                dim = vectors.shape[1]
                space_id = await store.ensure_space(session, embedder.provider, embedder.model, dim)
            number = next(_numbers)
            keys = {
                "name": f"d{number}",
                "sha256": str(number).encode(),
                "owner": self.owner,
                "collection": self.id,
            }
            file = await session.scalar(text(_FILE), keys)
            about = {**keys, "file": file, "size": len(texts)}
            document = int(await session.scalar(text(_DOCUMENT), about) or 0)
            keys |= {"document": document, "text": "\n".join(texts), "texts": list(texts)}
            await session.execute(text(_PAGE), keys)
            digests = [str(UUID(bytes=hashlib.sha256(one.encode()).digest()[:16])) for one in texts]
            chunks = (await session.scalars(text(_CHUNKS), {**keys, "digests": digests})).all()
            insert = text(_VECTOR.format(f"vec_{space_id:d}"))
            for chunk, vector in zip(chunks, vectors, strict=True):
                row = {**keys, "chunk": chunk, "vector": HalfVector(vector).to_text()}
                await session.execute(insert, row)
            await index_document(session, self.id, document)
            collection.space_id, collection.language = space_id, "simple"
            collection.chunk_count += len(texts)
            return document

    async def remove(self, document: int) -> None:
        """Delete a document."""
        async with self.services.sessions.begin() as session:
            await store.remove_passages(session, self.id, document)
            await session.execute(text("DELETE FROM document WHERE id = :id"), {"id": document})

    async def vectors(self, space_id: int) -> tuple[int, int]:
        """How many of its passages have a vector in a space, and how many vectors no passage."""
        counted = text(_COUNTED.format(f"vec_{space_id:d}"))
        async with self.services.owner_sessions() as session:
            row = (await session.execute(counted, {"collection": self.id})).one()
            return int(row[0]), int(row[1])


async def new_shelf(services: Services, username: str) -> Shelf:
    """An empty one; the user is made when there is none of that name."""
    async with services.sessions.begin() as session:
        known = await session.scalar(
            text('SELECT id FROM "user" WHERE username = :n'), {"n": username}
        )
        if known is None:
            made = await insert_user(session, username, "", "x")
            assert made is not None
            known = made.id
        wanted = NewAssistant("Reports", "Acme", "Be brief.")
        assistant = await assistant_queries.insert_assistant(session, known, wanted)
        (collection,) = await assistant_queries.collections_of(session, assistant.id)
    return Shelf(services, known, assistant.id, collection.id)
