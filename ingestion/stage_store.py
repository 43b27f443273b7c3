"""Statements on passages on their way in: staged, and found among known ones.

The vectors of passages that can be searched are the cache of embeddings: there is no other copy, so
deleting a document leaves none behind.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.binary_copy import float8, halfvecs, int2, int4, int8, packed
from ingestion.lexical import lexical_text
from ingestion.store import Target, driver_connection
from ingestion.tables import StagedChunk
from ingestion.types import Chunk, Vectors

RELATIVES = 20
"""Collections that are asked for the vectors of the same file; the newest ones."""

# Staged rows that a crash of the whole server takes along are embedded once more; a killed worker
# takes none along. Waiting for the disk would cost each batch up to 20 ms.
_NO_WAIT = text("SET LOCAL synchronous_commit = off")
_COPY = """
COPY chunk_stage (document_id, version, ordinal, space_id, page, start_offset, end_offset, heading,
                  context, content, number_density, tokens, lexical, digest, embedding)
FROM STDIN (FORMAT BINARY)
"""
_RELATIVES = text(
    """
    SELECT c.id FROM document d JOIN collection c ON c.id = d.collection_id
    WHERE d.file_id = :file AND c.owner_id = :owner AND c.id <> :collection
      AND d.ready_version IS NOT NULL
    GROUP BY c.id ORDER BY c.id DESC LIMIT :most
    """
)
_KNOWN = """
SELECT DISTINCT ON (chunk.digest) chunk.digest, halfvec_send(embedding)
FROM chunk JOIN {vectors} AS v ON v.collection_id = chunk.collection_id AND v.chunk_id = chunk.id
WHERE chunk.collection_id = :collection AND chunk.digest = ANY(:digests)
"""

Place = tuple[int, int, int, UUID | None]
"""Page, start and end in it, and the digest of what was embedded."""


def digest_of(chunk: Chunk) -> UUID:
    """Of what is embedded: the first half of its SHA-256."""
    return UUID(bytes=hashlib.sha256(chunk.embedded_text.encode()).digest()[:16])


def place_of(chunk: Chunk) -> Place:
    """What a staged passage must agree in with one that was just made."""
    return (chunk.page, chunk.start, chunk.end, digest_of(chunk))


async def staged(session: AsyncSession, target: Target, space_id: int) -> dict[int, Place]:
    """What an earlier, killed run left, by ordinal. Rests of other versions and spaces go."""
    await session.execute(
        delete(StagedChunk).where(
            StagedChunk.document_id == target.document_id,
            (StagedChunk.version != target.version) | (StagedChunk.space_id != space_id),
        )
    )
    rows = await session.execute(
        select(
            StagedChunk.ordinal,
            StagedChunk.page,
            StagedChunk.start_offset,
            StagedChunk.end_offset,
            StagedChunk.digest,
        ).where(StagedChunk.document_id == target.document_id)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


async def count(session: AsyncSession, target: Target) -> int:
    """How many passages of a version are staged."""
    counted = select(func.count()).where(
        StagedChunk.document_id == target.document_id, StagedChunk.version == target.version
    )
    return await session.scalar(counted) or 0


async def stage(
    session: AsyncSession,
    target: Target,
    space_id: int,
    chunks: Sequence[Chunk],
    vectors: Vectors,
) -> None:
    """COPY embedded passages into the stage."""
    await stage_packed(session, target, space_id, chunks, halfvecs(vectors))


async def stage_packed(
    session: AsyncSession,
    target: Target,
    space_id: int,
    chunks: Sequence[Chunk],
    vectors: Sequence[bytes],
) -> None:
    """`stage` of vectors as `halfvecs` packs them."""
    # A thread: 500 passages take a tenth of a second, in which nobody's answer would go on.
    rows = await asyncio.to_thread(_packed, target, space_id, chunks, vectors)
    await session.execute(_NO_WAIT)
    connection = await driver_connection(session)
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write(rows)


def _packed(
    target: Target, space_id: int, chunks: Sequence[Chunk], vectors: Sequence[bytes]
) -> bytes:
    """Rows of the stage, as `_COPY` takes them."""
    same = (int8(target.document_id), int4(target.version))
    return packed(
        (
            *same,
            int4(chunk.ordinal),
            int2(space_id),
            int4(chunk.page),
            int4(chunk.start),
            int4(chunk.end),
            chunk.heading.encode(),
            chunk.context.encode(),
            chunk.text.encode(),
            float8(chunk.number_density),
            int4(chunk.tokens),
            lexical_text(chunk.embedded_text).encode(),
            digest_of(chunk).bytes,
            vector,
        )
        for chunk, vector in zip(chunks, vectors, strict=True)
    )


async def relatives(session: AsyncSession, target: Target) -> list[int]:
    """Collections of the same owner that may know passages of a document: its own comes first.

    For a document on its way in: collections with the same file, since a new version repeats its
    own collection. `space_store.reuse` looks by words instead, for a whole collection that changes
    its space.
    """
    keys = {
        "file": target.file_id,
        "owner": target.owner_id,
        "collection": target.collection_id,
        "most": RELATIVES,
    }
    return [target.collection_id, *await session.scalars(_RELATIVES, keys)]


async def known_vectors(
    session: AsyncSession, collection_id: int, space_id: int, digests: Sequence[UUID]
) -> dict[UUID, bytes]:
    """Packed vectors of one space for what a collection has embedded already, by digest."""
    statement = text(_KNOWN.format(vectors=f"vec_{space_id:d}"))
    keys = {"collection": collection_id, "digests": list(digests)}
    rows = await session.execute(statement, keys)
    return {row[0]: row[1] for row in rows}
