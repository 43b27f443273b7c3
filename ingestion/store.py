"""Statements on a document's way in: it is taken up, swapped in or fails; and what takes it out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from sqlalchemy import ColumnElement, delete, exists, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from ingestion.cutting import Cutting, kept
from ingestion.errors import ModelChanged, SpaceChanged
from ingestion.language import SIMPLE
from ingestion.language_store import documents_language, hold_collection, index_anew
from ingestion.lexical_store import forget_collection, forget_document, index_document
from ingestion.names import Names
from ingestion.spread_store import measure_spread
from ingestion.tables import Collection, Document, EmbeddingSpace, StagedChunk
from ingestion.types import Page

CANCELLED = "cancelled"
"""Error code of a document whose owner does not want it read any more; its job does nothing."""

LOCKED = "encrypted"
"""Error code of a document that was not opened: it has a password that nobody said, or another."""

_UNREAD = (
    Document.ready_version.is_distinct_from(Document.version),
    Document.error_code.is_distinct_from(CANCELLED),
)
"""A document's newest version is still to be read."""

Version = tuple[int, int]
"""A document's id, and which version of it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The document version that is being ingested, and what its collection already settled."""

    document_id: int
    collection_id: int
    version: int
    filename: str
    media_type: str
    file_id: int
    owner_id: int
    space_id: int | None
    model: tuple[str, str] | None
    """Provider and model of that space."""
    cutting: Cutting | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a version told of the document as a whole."""

    page_count: int
    names: Names


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection under a session's transaction: for COPY and for queued jobs."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    return cast("psycopg.AsyncConnection[Any]", raw.driver_connection)


async def begin(session: AsyncSession, document_id: int) -> Target | None:
    """Mark the newest version as in work; None when there is nothing to do about it.

    That is: it is gone, already searchable, or its owner cancelled it.
    """
    row = (
        await session.execute(
            select(Document, Collection.owner_id, EmbeddingSpace)
            .join(Collection, Collection.id == Document.collection_id)
            .outerjoin(EmbeddingSpace, EmbeddingSpace.id == Collection.space_id)
            .where(Document.id == document_id)
            .options(undefer(Document.password))
            .with_for_update(of=Document)
        )
    ).one_or_none()
    if row is None:
        return None
    document: Document = row[0]
    space: EmbeddingSpace | None = row[2]
    if document.ready_version == document.version:
        document.status = "ready"
        return None
    if document.error_code == CANCELLED:
        return None
    document.status = "processing"
    return Target(
        document.id,
        document.collection_id,
        document.version,
        document.filename,
        document.media_type,
        document.file_id,
        row[1],
        None if space is None else space.id,
        None if space is None else (space.provider, space.model),
        kept(document.chunking),
        document.password,
    )


async def is_wanted(session: AsyncSession, target: Target) -> bool:
    """Whether a version is still to be read; it is held until the transaction ends.

    It is not once it was replaced, deleted, cancelled, or finished by another worker.
    """
    return await _hold(session, target) is not None


async def not_wanted(session: AsyncSession, versions: Sequence[Version]) -> set[Version]:
    """Which of some versions are not to be read any more."""
    pair = (Document.id, Document.version)
    rows = await session.execute(select(*pair).where(tuple_(*pair).in_(versions), *_UNREAD))
    return set(versions) - {(row[0], row[1]) for row in rows}


def _of(target: Target) -> tuple[ColumnElement[bool], ...]:
    """The document, as long as the version is still to be read."""
    return (Document.id == target.document_id, Document.version == target.version, *_UNREAD)


async def _hold(session: AsyncSession, target: Target) -> Document | None:
    return await session.scalar(select(Document).where(*_of(target)).with_for_update())


async def is_reading(session: AsyncSession, collection_ids: Sequence[int]) -> bool:
    """Whether any document of some collections is still on its way to being searchable."""
    unfinished = exists().where(
        Document.collection_id.in_(collection_ids), Document.status.in_(["queued", "processing"])
    )
    return bool(await session.scalar(select(unfinished)))


async def fail(session: AsyncSession, target: Target, code: str, detail: str) -> None:
    """Tell the owner why this version is not searchable; an older one stays as it is.

    Nothing is told of a version that is searchable or not wanted any more. One that stayed locked
    waits again where its password was said while it was read.
    """
    document = await _hold(session, target)
    await clear_version(session, target)
    if document is None:
        return
    await session.refresh(document, ["password"])
    if code == LOCKED and document.password not in {None, target.password}:
        document.status, document.error_code, document.error_detail = "queued", None, None
    else:
        document.status, document.error_code, document.error_detail = "failed", code, detail
    document.updated_at = func.now()


async def clear_stage(session: AsyncSession, target: Target) -> None:
    """Forget staged passages of a document, of all its versions."""
    await session.execute(delete(StagedChunk).where(StagedChunk.document_id == target.document_id))


async def clear_version(session: AsyncSession, target: Target) -> None:
    """Forget staged passages of one version: another one may be on its way in."""
    await session.execute(
        delete(StagedChunk).where(
            StagedChunk.document_id == target.document_id, StagedChunk.version == target.version
        )
    )


async def known_space(
    session: AsyncSession, target: Target, provider: str, model: str
) -> int | None:
    """The id of the space that a version's vectors belong into, if it is there yet.

    Of a collection that has none it is the model's: the newest, where its dimensions changed.
    """
    if target.space_id is not None:
        return target.space_id
    return await session.scalar(
        select(EmbeddingSpace.id)
        .where(EmbeddingSpace.provider == provider, EmbeddingSpace.model == model)
        .order_by(EmbeddingSpace.id.desc())
        .limit(1)
    )


async def space_for(
    session: AsyncSession, target: Target, provider: str, model: str, dim: int
) -> int:
    """The id of the space that a version's vectors go into; made where there is none yet.

    Raises:
        ModelChanged: that has other dimensions.
    """
    if target.space_id is None:
        return await ensure_space(session, provider, model, dim)
    space = await session.get_one(EmbeddingSpace, target.space_id)
    if space.dim != dim:
        raise ModelChanged(model, dimensions=dim, former=space.dim)
    return space.id


async def ensure_space(session: AsyncSession, provider: str, model: str, dim: int) -> int:
    """The id of a model's space; its table is made when it is new (owner only)."""
    statement = text("SELECT ensure_embedding_space(:provider, :model, :dim)")
    found = await session.scalar(statement, {"provider": provider, "model": model, "dim": dim})
    return int(cast("int", found))


async def note_pages(session: AsyncSession, target: Target, count: int) -> None:
    """Say how many pages a new document has, before the long work on them.

    One that replaces another keeps the number of the pages that can be read meanwhile.
    """
    await session.execute(
        update(Document)
        .where(
            Document.id == target.document_id,
            Document.version == target.version,
            Document.ready_version.is_(None),
        )
        .values(page_count=count)
    )


async def store_pages(session: AsyncSession, target: Target, pages: Sequence[Page]) -> None:
    """COPY a version's pages, in place of what a killed run may have left."""
    await session.execute(
        text("DELETE FROM page WHERE document_id = :document AND version = :version"),
        {"document": target.document_id, "version": target.version},
    )
    connection = await driver_connection(session)
    async with (
        connection.cursor() as cursor,
        cursor.copy("COPY page (document_id, version, number, label, text) FROM STDIN") as copy,
    ):
        for page in pages:
            await copy.write_row(
                (target.document_id, target.version, page.number, page.label, page.text)
            )


_SWAP = """
WITH fresh AS (
    INSERT INTO chunk (collection_id, document_id, version, ordinal, page, start_offset,
                       end_offset, heading, context, content, number_density, tokens, digest,
                       tsv)
    SELECT :collection, document_id, version, ordinal, page, start_offset, end_offset, heading,
           context, content, number_density, tokens, digest,
           to_tsvector(CAST(:language AS regconfig), lexical)
    FROM chunk_stage WHERE document_id = :document
    ORDER BY ordinal
    RETURNING id, ordinal
), vectors AS (
    INSERT INTO {vectors} (collection_id, chunk_id, document_id, embedding)
    SELECT :collection, fresh.id, :document, chunk_stage.embedding
    FROM fresh JOIN chunk_stage USING (ordinal)
    WHERE chunk_stage.document_id = :document
)
SELECT count(*) FROM fresh
"""


_NAMED = text(
    """
    UPDATE document SET names = setweight(to_tsvector('simple', :title), 'A')
                             || setweight(to_tsvector('simple', :head), 'D')
    WHERE id = :document
    """
)


async def swap(
    session: AsyncSession, target: Target, space_id: int, language: str | None, read: Read
) -> int | None:
    """Put the staged version in the place of the old one; a reader sees the one or the other.

    `language` is what `detect` says of it. A collection has the language of most of its passages,
    unless its owner chose another one: that is, unless it differed from theirs before.

    Returns:
        how many passages went in; None when the version is not wanted any more: nothing changed.
    """
    document = await _hold(session, target)
    if document is None:
        return None
    collection = await hold_collection(session, target.collection_id)
    if collection is None:
        return None
    if collection.space_id not in {None, space_id}:  # it was given another one meanwhile
        raise SpaceChanged("The assistant's documents are searched with another model now.")
    used = collection.language or language or SIMPLE
    is_other = language not in {None, SIMPLE, used}
    before = await documents_language(session, collection.id) if is_other else None
    keys = {"collection": target.collection_id, "document": target.document_id}
    if document.ready_version is not None:
        await remove_passages(session, target.collection_id, target.document_id)
    swapped = text(_SWAP.format(vectors=f"vec_{space_id:d}"))
    count = (await session.execute(swapped, {**keys, "language": used})).scalar_one()
    await index_document(session, target.collection_id, target.document_id)
    await session.execute(
        update(Collection)
        .where(Collection.id == target.collection_id)
        .values(
            chunk_count=Collection.chunk_count + count,
            space_id=func.coalesce(Collection.space_id, space_id),
            language=used,
        )
    )
    document.status, document.error_code, document.error_detail = "ready", None, None
    document.ready_version, document.page_count = target.version, read.page_count
    document.chunk_count = count
    named = {"title": read.names.title, "head": read.names.head, "document": document.id}
    await session.execute(_NAMED, named)
    await clear_stage(session, target)
    await measure_spread(session, space_id, collection.id)
    if before == used:
        await session.flush()
        now = await documents_language(session, collection.id)
        if now != used:
            await index_anew(session, collection.id, now)
    return int(count)


_REMOVE = text(
    """
    WITH gone AS (
        DELETE FROM chunk WHERE collection_id = :collection AND document_id = :document
        RETURNING id
    )
    UPDATE collection SET chunk_count = chunk_count - (SELECT count(*) FROM gone),
        removed_since_indexed = removed_since_indexed + (SELECT count(*) FROM gone)
    WHERE id = :collection
    """
)


async def empty_collection(session: AsyncSession, collection_id: int) -> None:
    """Take every passage and vector out of a collection: in one go, where all documents go."""
    await hold_collection(session, collection_id)
    await forget_collection(session, collection_id)
    keys = {"collection": collection_id}
    for table in [*await _vector_tables(session), "chunk"]:
        await session.execute(text(f"DELETE FROM {table} WHERE collection_id = :collection"), keys)  # noqa: S608  # our names
    await session.execute(
        update(Collection)
        .where(Collection.id == collection_id)
        .values(
            removed_since_indexed=Collection.removed_since_indexed + Collection.chunk_count,
            chunk_count=0,
        )
    )


async def _vector_tables(session: AsyncSession) -> list[str]:
    return [f"vec_{space_id:d}" for space_id in await session.scalars(select(EmbeddingSpace.id))]


async def remove_passages(session: AsyncSession, collection_id: int, document_id: int) -> None:
    """Take a document's passages and vectors out of every space, and its collection's sums down."""
    await hold_collection(session, collection_id)
    keys = {"collection": collection_id, "document": document_id}
    where = "WHERE collection_id = :collection AND document_id = :document"
    for table in await _vector_tables(session):
        await session.execute(text(f"DELETE FROM {table} {where}"), keys)  # noqa: S608  # our names
    await forget_document(session, collection_id, document_id)
    await session.execute(_REMOVE, keys)
