"""One document from bytes to searchable passages; the stages meet here.

parse (child process) -> chunk (same child) -> embed (batches, no transaction) -> stage -> swap
"""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ingestion import store
from ingestion.embed import Embedder, batches
from ingestion.errors import EmbeddingFailed, IncompleteStage, IngestionError
from ingestion.language import detect, sample
from ingestion.names import names_of
from ingestion.parse.sandbox import Sandbox
from ingestion.store import Read, Target
from ingestion.types import Chunk

STAGE_TOKENS = 8_000
"""Passages embedded between two commits: what a kill costs at most."""
STAGE_ITEMS = 256

logger = logging.getLogger(__name__)
Sessions = async_sessionmaker[AsyncSession]


class _NotWanted(Exception):
    """The version was replaced, deleted or cancelled, or another worker finished it."""


class Pipeline:
    """Ingests documents with one sandbox and one embedder."""

    def __init__(self, sessions: Sessions, sandbox: Sandbox, embedder: Embedder) -> None:
        self._sessions = sessions
        self._sandbox = sandbox
        self._embedder = embedder

    async def ingest(self, target: Target, data: bytes) -> None:
        """Make a version searchable, or tell its owner why it is not.

        Raises:
            IngestionError: only what another try may mend (a crashed parser, an embedder away);
                everything else is written on the document.
        """
        try:
            await self._ingest(target, data)
        except _NotWanted:
            logger.info("Document %s is not wanted any more", target.document_id)
            async with self._sessions.begin() as session:
                await store.clear_version(session, target)
        except IngestionError as error:
            if error.retryable:
                raise
            logger.info("Document %s failed: %s", target.document_id, error.code)
            async with self._sessions.begin() as session:
                await store.fail(session, target, error.code, error.detail)

    async def _ingest(self, target: Target, data: bytes) -> None:
        parsed = await self._sandbox.parse(data, target.media_type, target.filename, target.cutting)
        pages = parsed.document.pages
        async with self._sessions.begin() as session:
            await store.note_pages(session, target, len(pages))
        language = detect(sample(page.text for page in pages))
        space_id = await self._embed(target, parsed.chunks)
        if target.space_id not in {None, space_id}:
            raise EmbeddingFailed(
                "The assistant's other documents were embedded with another model. "
                "Configure that model again, or put this document into a new assistant.",
                code="embedding_model_changed",
            )
        async with self._sessions.begin() as session:
            await store.store_pages(session, target, pages)
            read = Read(len(pages), names_of(target.filename, parsed.document))
            count = await store.swap(session, target, space_id, language, read)
            if count is None:  # leave nothing behind
                raise _NotWanted
            if count != len(parsed.chunks):  # a worker thought dead came back and emptied it
                raise IncompleteStage("Another worker took part of the passages.")

    async def _embed(self, target: Target, chunks: Sequence[Chunk]) -> int:
        """Embed what an earlier run did not stage yet; the id of the space."""
        waiting, space_id = await self._waiting(target, chunks)
        for batch in batches(
            [chunk.tokens for chunk in waiting], max_items=STAGE_ITEMS, max_size=STAGE_TOKENS
        ):
            part = [waiting[index] for index in batch]
            vectors = await self._embedder.embed_passages([chunk.embedded_text for chunk in part])
            if vectors.shape[0] != len(part) or not np.isfinite(vectors).all():
                raise EmbeddingFailed("The embedder returned vectors that cannot be used.")
            async with self._sessions.begin() as session:
                space_id = await store.ensure_space(
                    session, self._embedder.provider, self._embedder.model, vectors.shape[1]
                )
                if not await store.is_wanted(session, target):
                    raise _NotWanted
                await store.stage(session, target, space_id, part, vectors)
        if space_id is None:
            raise EmbeddingFailed(
                "The document holds no text that can be searched.", code="no_text"
            )
        return space_id

    async def _waiting(
        self, target: Target, chunks: Sequence[Chunk]
    ) -> tuple[list[Chunk], int | None]:
        async with self._sessions.begin() as session:
            space = await store.find_space(session, self._embedder.provider, self._embedder.model)
            if space is None:
                await store.clear_stage(session, target)
                return list(chunks), None
            digests = await store.staged(session, target, space.id)
            if any(
                _digest(chunk) != digests.get(chunk.ordinal) for chunk in chunks[: len(digests)]
            ):
                await store.clear_stage(session, target)  # another parser made those: start over
                return list(chunks), space.id
            return [chunk for chunk in chunks if chunk.ordinal not in digests], space.id


def _digest(chunk: Chunk) -> str:
    """MD5 as the database makes it, to compare texts and not to keep secrets."""
    text = f"{chunk.context}\n{chunk.text}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
