"""Every statement on files and documents."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from sqlalchemy import Select, case, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.rest.lists import Window
from aiconvokit.storage import Stored
from ingestion.attributes import Attributes
from ingestion.tables import Collection, Document, PageText, StagedChunk


class DocumentRow(NamedTuple):
    """A document, its file's size in bytes, and how far its reading is.

    `staged_page` is the last page of which passages were embedded while it is read; None before
    the first.
    """

    document: Document
    size: int
    staged_page: int | None


async def upsert_file(
    session: AsyncSession, owner_id: int, stored: Stored, filename: str, media_type: str
) -> int:
    """The id of an owner's file of that content that comes with documents."""
    statement = (
        insert(StoredFile)
        .values(
            public_id=public_id("file"),
            owner_id=owner_id,
            sha256=stored.sha256,
            size=stored.size,
            filename=filename,
            media_type=media_type,
        )
        .on_conflict_do_update(
            index_elements=[StoredFile.owner_id, StoredFile.sha256],
            index_where=StoredFile.purpose.is_(None),
            set_={"filename": filename},
        )
        .returning(StoredFile.id)
    )
    return cast("int", await session.scalar(statement))


async def upsert_document(
    session: AsyncSession, collection_id: int, file_id: int, named: Document
) -> int | None:
    """Put a file into a collection under its name.

    A new name is a new document, a known name with other content a new version.

    Returns:
        the id of the document to ingest, or None when that very content is there already.
    """
    values = {
        "filename": named.filename,
        "media_type": named.media_type,
        "title": named.title,
        "file_id": file_id,
    }
    new = insert(Document).values(public_id=public_id("doc"), collection_id=collection_id, **values)
    return await session.scalar(
        new.on_conflict_do_update(
            index_elements=[Document.collection_id, Document.filename],
            set_={
                **values,
                "version": Document.version + 1,
                "status": "queued",
                "error_code": None,
                "error_detail": None,
                "updated_at": func.now(),
            },
            where=Document.file_id != file_id,
        ).returning(Document.id)
    )


async def set_attributes(
    session: AsyncSession, collection_id: int, filename: str, attributes: Attributes
) -> bool:
    """Replace the attributes of a collection's document; False when there is no such name."""
    found = await session.scalar(
        update(Document)
        .where(Document.collection_id == collection_id, Document.filename == filename)
        .values(attributes=attributes, updated_at=func.now())
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


class HeldContent(NamedTuple):
    """The file that a document is made of."""

    file_id: int
    sha256: bytes


async def held_content(
    session: AsyncSession, collection_id: int, filename: str
) -> HeldContent | None:
    """What a name stands for in a collection; its document stays until the transaction ends."""
    row = (
        await session.execute(
            select(StoredFile.id, StoredFile.sha256)
            .join(Document, Document.file_id == StoredFile.id)
            .where(Document.collection_id == collection_id, Document.filename == filename)
            .with_for_update(of=Document, key_share=True, read=True)
        )
    ).one_or_none()
    return HeldContent(*row) if row else None


async def documents_of(
    session: AsyncSession, collection_ids: Sequence[int], wanted: Window | None = None
) -> Sequence[DocumentRow]:
    """Documents of some collections, oldest first; all, or one more than the window."""
    statement = _documents(collection_ids).order_by(Document.id)
    if wanted is not None:
        statement = statement.where(Document.id > (wanted.after or 0)).limit(wanted.limit + 1)
    return [DocumentRow(*row) for row in (await session.execute(statement)).all()]


async def document_in(
    session: AsyncSession, collection_ids: Sequence[int], document_id: int
) -> DocumentRow | None:
    """One document of some collections with its size."""
    statement = _documents(collection_ids).where(Document.id == document_id)
    row = (await session.execute(statement)).one_or_none()
    return DocumentRow(*row) if row else None


def _documents(collection_ids: Sequence[int]) -> Select[Document, int, int | None]:
    staged = (
        select(func.max(StagedChunk.page))
        .where(StagedChunk.document_id == Document.id, StagedChunk.version == Document.version)
        .correlate(Document)
        .scalar_subquery()
    )
    return (
        select(Document, StoredFile.size, case((Document.status == "processing", staged)))
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.collection_id.in_(collection_ids))
    )


async def page_text(
    session: AsyncSession, document_id: int, version: int, number: int
) -> PageText | None:
    """One page of one version."""
    return await session.get(PageText, (document_id, version, number))


async def file_by_id(session: AsyncSession, file_id: int) -> StoredFile | None:
    """A stored file's row."""
    return await session.get(StoredFile, file_id)


async def lock_document(session: AsyncSession, document_id: int) -> Document | None:
    """The document as it is now, held until the transaction ends; None when it is gone."""
    return await session.scalar(
        select(Document)
        .where(Document.id == document_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def lock_documents(session: AsyncSession, collection_id: int) -> Sequence[int]:
    """Ids of a collection's documents, all held until the transaction ends."""
    return (
        await session.scalars(
            select(Document.id)
            .where(Document.collection_id == collection_id)
            .order_by(Document.id)
            .with_for_update()
        )
    ).all()


async def delete_document(session: AsyncSession, document_id: int) -> int:
    """Remove the row; pages, passages and stage go with it. The number of its pages, all versions.

    With the last document a collection loses its language: the next one may be in another. The
    document must be locked: see `lock_document`.
    """
    pages = await session.scalar(
        select(func.count()).select_from(PageText).where(PageText.document_id == document_id)
    )
    gone = delete(Document).where(Document.id == document_id).returning(Document.collection_id)
    collection_id = await session.scalar(gone)
    others = exists().where(
        Document.collection_id == collection_id, Document.ready_version.is_not(None)
    )
    await session.execute(
        update(Collection).where(Collection.id == collection_id, ~others).values(language=None)
    )
    return pages or 0


async def delete_file_if_unused(session: AsyncSession, file_id: int) -> bytes | None:
    """Remove a file that came with documents and that none uses; its digest, None: it stays."""
    # Locked first: whoever makes a document of it right now is then seen by the next statement.
    await session.execute(select(StoredFile.id).where(StoredFile.id == file_id).with_for_update())
    used = exists().where(Document.file_id == StoredFile.id)
    return await session.scalar(
        delete(StoredFile)
        .where(StoredFile.id == file_id, StoredFile.purpose.is_(None), ~used)
        .returning(StoredFile.sha256)
    )


async def delete_files_of(session: AsyncSession, owner_id: int) -> list[bytes]:
    """Remove a user's files, which no document may use any more; their digests."""
    found = await session.scalars(
        delete(StoredFile).where(StoredFile.owner_id == owner_id).returning(StoredFile.sha256)
    )
    return list(found.all())


async def lock_contents(session: AsyncSession, digests: Sequence[bytes]) -> None:
    """Hold contents until the transaction ends: one is either stored and noted, or removed."""
    await session.execute(
        text(
            "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtext(digest) AS key"
            " FROM unnest(CAST(:digests AS text[])) AS digest ORDER BY 1) AS ordered"
        ),
        {"digests": [digest.hex() for digest in digests]},
    )


async def is_content_used(session: AsyncSession, digest: bytes) -> bool:
    """Whether anybody has a file of that content."""
    return bool(await session.scalar(select(exists().where(StoredFile.sha256 == digest))))


async def hold_documents(session: AsyncSession, document_ids: Sequence[int]) -> Sequence[int]:
    """Which of some documents are there; they stay until the transaction ends."""
    held = (
        select(Document.id)
        .where(Document.id.in_(document_ids))
        .order_by(Document.id)  # as deletions lock them
        .with_for_update(key_share=True, read=True)
    )
    return (await session.scalars(held)).all()


async def ready_versions(
    session: AsyncSession, document_ids: Sequence[int]
) -> dict[int, int | None]:
    """Document id -> the version that is searched now."""
    rows = await session.execute(
        select(Document.id, Document.ready_version).where(Document.id.in_(document_ids))
    )
    return {row[0]: row[1] for row in rows}


# By the job's lock: see `language_change`.
_CHANGING = text(
    "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    " AND lock = 'language:' || :collection)"
)


async def is_language_changing(session: AsyncSession, collection_id: int) -> bool:
    """Whether a collection waits to be indexed in another language."""
    return bool(await session.scalar(_CHANGING, {"collection": str(collection_id)}))
