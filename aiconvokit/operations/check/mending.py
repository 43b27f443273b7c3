"""Repairs of what a check found; each looks again, under the locks of whoever changes the same."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import idempotency_store
from aiconvokit.files import (
    attachment_queries,
    documents,
    emptying_queries,
    old_pages,
    pictures,
    queries,
    redaction,
    unused,
)
from aiconvokit.files.feeding import feed_all
from aiconvokit.jobs import rescue_stalled
from aiconvokit.operations.check import mending_queries
from aiconvokit.operations.check.kinds import Found, Repair
from aiconvokit.services import Services
from ingestion.lexical_store import index_collection
from ingestion.store import remove_passages

Keys = Sequence[Any]


async def mend(services: Services, found: Found) -> bool:
    """Repair one finding; False where nothing repairs it."""
    if found.kind.repair not in _REPAIRS:
        return False
    await _REPAIRS[found.kind.repair](services, found.keys)
    return True


async def _clear_passages(services: Services, keys: Keys) -> None:
    for collection_id in keys:
        async with services.owner_sessions.begin() as session:
            await mending_queries.clear_collection(session, collection_id)


async def _index_words(services: Services, keys: Keys) -> None:
    for collection_id in keys:
        async with services.owner_sessions.begin() as session:
            if await mending_queries.clear_collection(session, collection_id):
                await index_collection(session, collection_id)


async def _read_again(services: Services, keys: Keys) -> None:
    for document_id in keys:
        async with services.owner_sessions.begin() as session:
            document = await queries.lock_document(session, document_id)
            if document is None or document.status not in {"ready", "failed"}:
                continue  # it went, or is read already
            if document.ready_version is None:  # nothing of it is searched
                await remove_passages(session, document.collection_id, document.id)
            await attachment_queries.read_again(session, document.id, document.chunking)
            await documents.queue_ingestion(services, session, document.id)


async def _queue(services: Services, _: Keys) -> None:
    async with services.owner_sessions.begin() as session:
        await feed_all(services.queue, session, services.settings.limits.worker_concurrency)


async def _rescue(services: Services, _: Keys) -> None:
    async with services.queue.open_async():
        await rescue_stalled(services.queue)


async def _remove_pages(services: Services, keys: Keys) -> None:
    for document_id in keys:
        await old_pages.remove_uncited(services, document_id)


async def _remove_files(services: Services, keys: Keys) -> None:
    async with services.owner_sessions.begin() as session:
        digests = await emptying_queries.delete_files_if_unused(session, keys)
    await unused.remove(services, digests)


async def _redact(services: Services, keys: Keys) -> None:
    for document_id in keys:
        async with services.owner_sessions.begin() as session:
            if not await queries.hold_documents(session, [document_id]):
                await redaction.redact_answers(session, document_id)


async def _discard(services: Services, keys: Keys) -> None:
    await unused.remove(services, [bytes.fromhex(one) for one in keys])


async def _forget_pictures(services: Services, keys: Keys) -> None:
    for one in keys:
        digest = bytes.fromhex(one)
        async with services.owner_sessions.begin() as session:
            await queries.lock_contents(session, [digest])
            if not await queries.is_content_used(session, digest):
                await pictures.forget(services, digest)


async def _remove_parts(services: Services, keys: Keys) -> None:
    for name in keys:
        (services.data_dir / name).unlink(missing_ok=True)


def _at_once(
    statement: Callable[[AsyncSession, Keys], Awaitable[None]],
) -> Callable[[Services, Keys], Awaitable[None]]:
    """A repair that is one statement on all keys."""

    async def repair(services: Services, keys: Keys) -> None:
        async with services.owner_sessions.begin() as session:
            await statement(session, keys)

    return repair


_REPAIRS: Mapping[Repair, Callable[[Services, Keys], Awaitable[None]]] = {
    Repair.CLEAR_PASSAGES: _clear_passages,
    Repair.INDEX_WORDS: _index_words,
    Repair.READ_AGAIN: _read_again,
    Repair.MARK_READY: _at_once(mending_queries.mark_ready),
    Repair.QUEUE: _queue,
    Repair.REMOVE_PAGES: _remove_pages,
    Repair.CLEAR_STAGE: _at_once(mending_queries.clear_stage),
    Repair.REMOVE_FILES: _remove_files,
    Repair.REDACT: _redact,
    Repair.END_TURNS: _at_once(mending_queries.end_turns),
    Repair.RESCUE: _rescue,
    Repair.FORGET_ANSWERS: _at_once(idempotency_store.forget_expired),
    Repair.DISCARD: _discard,
    Repair.FORGET_PICTURES: _forget_pictures,
    Repair.REMOVE_PARTS: _remove_parts,
}
