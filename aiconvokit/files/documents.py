"""Documents of a collection: added, replaced, shown and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from litestar.datastructures import UploadFile
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import InvalidFields, NotFound, TooLarge
from aiconvokit.files import queries
from aiconvokit.files.queries import DocumentRow
from aiconvokit.jobs import enqueue
from aiconvokit.rest.fields import EMPTY_FILE
from aiconvokit.rest.lists import MAX_ID
from aiconvokit.services import Services
from aiconvokit.storage import Stored
from ingestion.errors import DocumentRejected
from ingestion.load import clean_filename, sniff, title_of
from ingestion.store import remove_passages
from ingestion.tables import Document, PageText

INGEST_TASK = "ingest_document"
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file whose bytes are safe in storage, and what it is."""

    stored: Stored
    filename: str
    media_type: str


async def receive(services: Services, uploads: Sequence[UploadFile]) -> list[Arrival]:
    """Store the bytes of an upload, before any row says that they are there.

    Raises:
        InvalidFields: a file is empty; TooLarge: a file, or the number of files, is over the limit.
    """
    limits = services.settings.limits
    if len(uploads) > limits.max_files_per_request:
        raise TooLarge(f"At most {limits.max_files_per_request} files fit into one request.")
    arrivals = []
    for upload in uploads:
        stored = await services.storage.put(
            cast("BinaryIO", upload.file), max_bytes=limits.max_upload_bytes
        )
        if stored.size == 0:
            raise InvalidFields({"files": [EMPTY_FILE]})
        name = clean_filename(upload.filename)
        arrivals.append(Arrival(stored, name, _media_type(name, stored.head)))
    return arrivals


def _media_type(filename: str, head: bytes) -> str:
    """What a file seems to be; the worker tells its owner when nothing can read it."""
    try:
        return sniff(filename, head)
    except DocumentRejected:
        return UNKNOWN_TYPE


async def add(
    services: Services,
    session: AsyncSession,
    owner_id: int,
    collection_id: int,
    arrivals: Sequence[Arrival],
) -> list[int]:
    """Make document rows and their jobs in the caller's transaction; ids of what is new."""
    changed = []
    for arrival in arrivals:
        # See delete_file_if_unused: content must not be removed while a row for it is being made.
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:key))"),
            {"key": arrival.stored.sha256.hex()},
        )
        file_id = await queries.upsert_file(
            session, owner_id, arrival.stored, arrival.filename, arrival.media_type
        )
        named = Document(
            filename=arrival.filename,
            media_type=arrival.media_type,
            title=title_of(arrival.filename),
        )
        document_id = await queries.upsert_document(session, collection_id, file_id, named)
        if document_id is not None:
            await queue_ingestion(services, session, document_id)
            changed.append(document_id)
    return changed


async def queue_ingestion(services: Services, session: AsyncSession, document_id: int) -> None:
    """Queue the job that makes a document searchable."""
    await enqueue(
        services.queue,
        session,
        INGEST_TASK,
        key=f"document:{document_id}",
        document_id=document_id,
    )


async def find(
    session: AsyncSession, collection_ids: Sequence[int], document_id: int
) -> DocumentRow:
    """One document of some collections.

    Raises:
        NotFound: unknown, or elsewhere.
    """
    known = 0 <= document_id <= MAX_ID
    row = await queries.document_in(session, collection_ids, document_id) if known else None
    if row is None:
        raise NotFound.of("Document")
    return row


async def page(session: AsyncSession, document: Document, number: int, version: int) -> PageText:
    """One page's stored text.

    Raises:
        NotFound: the document has no such page or version.
    """
    fits = 0 < number < 2**31 and 0 < version < 2**31  # what the columns hold
    found = await queries.page_text(session, document.id, version, number) if fits else None
    if found is None:
        raise NotFound("Not found.")
    return found


async def remove(session: AsyncSession, document: Document) -> bytes | None:
    """Delete a document with all that was made of it, in the caller's transaction.

    Returns:
        the digest of content that is to be removed from storage AFTER the commit, if any.
    """
    file_id = document.file_id
    await remove_passages(session, document.collection_id, document.id)
    await queries.delete_document(session, document.id)
    return await queries.delete_file_if_unused(session, file_id)
