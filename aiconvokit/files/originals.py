"""Files of their own: uploaded by themselves, with a purpose, and there until they are deleted."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import quotas
from aiconvokit.accounts.deletions import Removed
from aiconvokit.files import attachment_queries as statements
from aiconvokit.files import documents, queries
from aiconvokit.files.documents import Intake
from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.services import Services
from ingestion.language_store import hold_collection
from ingestion.tables import Document


async def keep(
    services: Services, session: AsyncSession, owner_id: int, intake: Intake, purpose: str
) -> list[StoredFile]:
    """Make rows of what arrived, in the caller's transaction.

    Raises:
        QuotaExceeded: it is more than the owner may have; the transaction must not commit.
    """
    await documents.hold_contents(services, session, intake)
    files = [
        StoredFile(
            public_id=public_id("file"),
            owner_id=owner_id,
            sha256=arrival.stored.sha256,
            size=arrival.stored.size,
            filename=arrival.filename,
            media_type=arrival.media_type,
            purpose=purpose,
        )
        for arrival in intake.arrivals
    ]
    async with quotas.kept(services, session, owner_id):
        session.add_all(files)
        await session.flush()
    for file in files:
        await session.refresh(file)
    return files


async def remove(
    session: AsyncSession, file: StoredFile, removed: Removed
) -> tuple[list[Document], list[bytes]]:
    """Delete a file with its documents in all collections, in the caller's transaction.

    Returns:
        the documents as they were, and digests of contents for `documents.discard` AFTER the
        commit.
    """
    await queries.lock_contents(session, [file.sha256])  # nobody attaches it meanwhile
    held = await statements.hold_all_attached(session, file.id)
    unused = await remove_held(session, held, removed)
    digest = await statements.delete_file(session, file.id)
    removed.files += digest is not None
    return list(held), [*unused, *([digest] if digest else [])]


async def remove_held(
    session: AsyncSession, held: Sequence[Document], removed: Removed
) -> list[bytes]:
    """Delete documents that the caller holds; digests as `documents.remove` gives them."""
    # In one order, whatever the documents' is: two who delete must not wait for each other.
    for collection_id in sorted({one.collection_id for one in held}):
        await hold_collection(session, collection_id)
    unused: list[bytes] = []
    for document in held:
        unused += await documents.remove(session, document.id, removed)
    return unused
