"""Documents of a collection: added, replaced, shown and removed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from litestar.datastructures import UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import quotas
from aiconvokit.accounts.deletions import Removed
from aiconvokit.acting import as_owner
from aiconvokit.errors import NotFound
from aiconvokit.files import emptying_queries, expiry_queries, queries, unused
from aiconvokit.files.feeding import feed
from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.redaction import redact_answers
from aiconvokit.rest.lists import MAX_ID
from aiconvokit.services import Services
from aiconvokit.storage import Stored
from ingestion.attributes import Attributes
from ingestion.errors import DocumentRejected
from ingestion.load import clean_filename, sniff, title_of
from ingestion.store import empty_collection, remove_passages
from ingestion.tables import Document, PageText

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file on its way in: what its document is to be called, and its bytes.

    `attributes` None leaves those of a document that is there.
    """

    filename: str
    file: BinaryIO
    attributes: Attributes | None = None

    @classmethod
    def of(cls, upload: UploadFile, attributes: Attributes | None = None) -> "Incoming":
        """A file of a request; the name that a client sends is data and never a path."""
        return cls(clean_filename(upload.filename), cast("BinaryIO", upload.file), attributes)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file whose bytes are safe in storage, and what it is."""

    stored: Stored
    media_type: str
    incoming: Incoming

    @property
    def filename(self) -> str:
        """What its document is to be called."""
        return self.incoming.filename


@dataclass(frozen=True, slots=True)
class Intake:
    """An upload's files, and the digests of contents that they replaced."""

    arrivals: list[Arrival] = field(default_factory=list)
    replaced: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def received(services: Services, files: Sequence[Incoming]) -> AsyncIterator[Intake]:
    """Store the bytes of some files, before any row says that they are there.

    The block makes the rows and commits them; what no row mentions then is removed again.

    Raises:
        TooLarge: a file is over the limit.
    """
    intake = Intake()
    try:
        for one in files:
            limit = services.settings.limits.max_upload_bytes
            stored = await services.storage.put(one.file, max_bytes=limit)
            media_type = _media_type(one.filename, stored.head)
            intake.arrivals.append(Arrival(stored, media_type, one))
        yield intake
    except BaseException:
        digests = [arrival.stored.sha256 for arrival in intake.arrivals]
        await asyncio.shield(discard(services, digests))
        raise
    await discard(services, intake.replaced)


async def discard(services: Services, digests: Sequence[bytes]) -> None:
    """Remove contents that no row mentions any more, after the transaction that made them so."""
    await unused.remove_now_or_later(services, digests)


def _media_type(filename: str, head: bytes) -> str:
    """What a file seems to be; the worker tells its owner when nothing can read it."""
    try:
        return sniff(filename, head)
    except DocumentRejected:
        return UNKNOWN_TYPE


async def add(
    services: Services, session: AsyncSession, owner_id: int, collection_id: int, intake: Intake
) -> list[int]:
    """Make document rows and their jobs in the caller's transaction; ids of what is new."""
    changed = []
    await hold_contents(services, session, intake)
    for arrival in intake.arrivals:
        old = await queries.held_content(session, collection_id, arrival.filename)
        document_id = None
        if old is None or old.sha256 != arrival.stored.sha256:
            document_id = await _put(session, owner_id, collection_id, arrival)
        given = arrival.incoming.attributes
        if given is not None:
            await queries.set_attributes(session, collection_id, arrival.filename, given)
        if document_id is None:
            continue
        changed.append(document_id)
        unused = await queries.delete_file_if_unused(session, old.file_id) if old else None
        intake.replaced.extend([unused] if unused else [])
    if changed:
        await queue_ingestion(services, session, *changed)
        await expiry_queries.touch(session, collection_id)
    return changed


async def add_within_quota(
    services: Services, session: AsyncSession, owner_id: int, collection_id: int, intake: Intake
) -> list[int]:
    """`add`, as far as a user's quotas allow; commands have none.

    Raises:
        QuotaExceeded: they do not; the transaction must not commit.
    """
    if not intake.arrivals:
        return []
    await quotas.check_pages(services, session, owner_id)
    async with quotas.kept(services, session, owner_id):
        return await add(services, session, owner_id, collection_id, intake)


async def hold_contents(services: Services, session: AsyncSession, intake: Intake) -> None:
    """Keep what arrived in storage until the caller's transaction says that it is there."""
    # All at once and in one order: two uploads of the same files must not wait for each other.
    await queries.lock_contents(session, [one.stored.sha256 for one in intake.arrivals])
    for arrival in intake.arrivals:
        # Somebody may have discarded the same content between its arrival and its lock.
        if not await services.storage.has(arrival.stored.sha256):
            file = arrival.incoming.file
            file.seek(0)
            await services.storage.put(file, max_bytes=arrival.stored.size)


async def _put(
    session: AsyncSession, owner_id: int, collection_id: int, arrival: Arrival
) -> int | None:
    """Make the rows of one file; the id of what is to be read, None when it was."""
    file_id = await queries.upsert_file(
        session, owner_id, arrival.stored, arrival.filename, arrival.media_type
    )
    named = Document(
        filename=arrival.filename,
        media_type=arrival.media_type,
        title=title_of(arrival.filename),
    )
    return await queries.upsert_document(session, collection_id, file_id, named)


async def queue_ingestion(services: Services, session: AsyncSession, *document_ids: int) -> None:
    """Let documents be read that are queued: now, or when their owner's turn comes."""
    if document_ids:
        at_once = services.settings.limits.worker_concurrency
        await feed(services.queue, session, document_ids, at_once)


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


async def change_attributes(
    session: AsyncSession, document: Document, attributes: Attributes
) -> None:
    """Replace what the owner says about a document; `document` is as it is then.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    found = await queries.set_attributes(
        session, document.collection_id, document.filename, attributes
    )
    if not found:
        raise NotFound.of("Document")
    await session.refresh(document)


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


async def remove(session: AsyncSession, document_id: int, removed: Removed) -> list[bytes]:
    """Delete a document with all that was made of it, in the caller's transaction.

    Args:
        session: the caller's.
        document_id: which one.
        removed: is told what went.

    Returns:
        digests of contents for `discard` AFTER the commit.

    Raises:
        NotFound: somebody else was faster.
    """
    # Locked first: the worker's swap holds the same lock, so its vectors are seen, not missed.
    document = await queries.lock_document(session, document_id)
    if document is None:
        raise NotFound.of("Document")
    async with as_owner(session):  # answers to others may cite it
        # First: what repeats its pages is told by them.
        removed.redacted_answers += await redact_answers(session, document.id)
        await remove_passages(session, document.collection_id, document.id)
    removed.documents.append(document.id)
    removed.passages += document.chunk_count
    removed.pages += await queries.delete_document(session, document.id)
    digest = await queries.delete_file_if_unused(session, document.file_id)
    removed.files += digest is not None
    return [digest] if digest else []


async def remove_all(session: AsyncSession, collection_id: int, removed: Removed) -> list[bytes]:
    """`remove` for every document of a collection; nobody may add one meanwhile."""
    # All before the first: the worker's swap holds its document and wants the collection.
    document_ids = await queries.lock_documents(session, collection_id)
    if not document_ids:
        return []
    passages, pages = await emptying_queries.sizes_of(session, document_ids)
    async with as_owner(session):  # as above
        for document_id in await emptying_queries.cited_among(session, document_ids):
            removed.redacted_answers += await redact_answers(session, document_id)
        await empty_collection(session, collection_id)
    file_ids = await emptying_queries.delete_documents(session, collection_id, document_ids)
    digests = await emptying_queries.delete_files_if_unused(session, file_ids)
    removed.documents += document_ids
    removed.passages += passages
    removed.pages += pages
    removed.files += len(digests)
    return list(digests)
