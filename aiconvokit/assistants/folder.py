"""A folder into an assistant: each file takes the way of an upload; known content is skipped."""

import asyncio
import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants import queries
from aiconvokit.errors import AIConvoKitError
from aiconvokit.files import documents, folder_queries, locks
from aiconvokit.files import queries as file_queries
from aiconvokit.files.documents import Incoming
from aiconvokit.files.folder_queries import Content
from aiconvokit.files.lock_queries import LOCKED
from aiconvokit.services import Services
from ingestion.attributes import same
from ingestion.batch import Found
from ingestion.tables import Document

POLL_SECONDS = 0.2
_FINISHED = {"ready", "failed"}


class Plan(enum.Enum):
    """What a file of the batch means for the assistant."""

    NEW = "new"
    CHANGED = "changed"
    RELABELLED = "relabelled"
    """Known content with other attributes; `relabel` is all that it needs."""
    KNOWN = "known"
    UNFINISHED = "unfinished"
    """Known content that is not searchable yet, or failed: it is tried again."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A file at its end; `problem` is None when it is searchable."""

    name: str
    pages: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened since the last one: files that ended, and the names of those in work."""

    ended: Sequence[Ended]
    in_work: Sequence[str]


async def compare(services: Services, assistant_id: int, batch: Sequence[Found]) -> list[Plan]:
    """Compare files with an assistant's documents, by name and content."""
    async with services.sessions.begin() as session:
        collection = await queries.own_collection(session, assistant_id)
        known = await folder_queries.contents_of(session, collection.id)
    return [await asyncio.to_thread(_compare_one, one, known.get(one.name)) for one in batch]


def _compare_one(found: Found, known: Content | None) -> Plan:
    if known is None:
        return Plan.NEW
    if known.sha256 != found.sha256():
        return Plan.CHANGED
    if known.status != "ready":
        return Plan.UNFINISHED
    if found.attributes is None or same(found.attributes, known.attributes):
        return Plan.KNOWN
    return Plan.RELABELLED


async def relabel(services: Services, assistant_id: int, batch: Sequence[Found]) -> None:
    """Give documents of an assistant the attributes of their files; nothing is read again."""
    async with services.sessions.begin() as session:
        collection = await queries.own_collection(session, assistant_id)
        for found in batch:
            if found.attributes is not None:
                await file_queries.set_attributes(
                    session, collection.id, found.name, found.attributes
                )


async def ingest(
    services: Services,
    owner_id: int,
    assistant_id: int,
    batch: Sequence[Found],
    password: str | None = None,
) -> AsyncIterator[Progress]:
    """Store files with their rows and jobs, then follow them until a worker has finished them.

    Any worker on the database may do the work; cancelled, what is stored stays queued. `password`
    is tried once on each file that needs one, and kept with no other.
    """
    async with services.sessions.begin() as session:
        collection = await queries.own_collection(session, assistant_id)
        await queries.read_uploads(session, assistant_id)
    waiting: dict[int, str] = {}
    key = _Key(password)
    for found in batch:
        try:
            waiting[await _store(services, owner_id, collection.id, found)] = found.name
        except (AIConvoKitError, OSError) as error:
            yield Progress([Ended(found.name, 0, str(error))], [])
        else:
            yield await _look(services, collection.id, waiting, key)
    while waiting:
        await asyncio.sleep(POLL_SECONDS)
        yield await _look(services, collection.id, waiting, key)


async def _store(services: Services, owner_id: int, collection_id: int, found: Found) -> int:
    """One file as an upload would store it; the id of its document."""
    with found.path.open("rb") as file:
        incoming = Incoming(found.name, file, found.attributes)
        async with (
            documents.received(services, [incoming]) as intake,
            services.sessions.begin() as session,
        ):
            changed = await documents.add(services, session, owner_id, collection_id, intake)
            if changed:
                return changed[0]
            # The same content is there already: whatever ended it the last time is tried again.
            document_id = await folder_queries.queue_again(session, collection_id, found.name)
            await documents.queue_ingestion(services, session, document_id)
            return document_id


@dataclass(frozen=True, slots=True)
class _Key:
    """A password for what needs one, and the documents that it was tried on."""

    password: str | None = field(repr=False)
    tried: set[int] = field(default_factory=set)

    async def try_on(self, services: Services, session: AsyncSession, document: Document) -> None:
        """Let a document that is locked be read again."""
        is_locked = document.status == "failed" and document.error_code == LOCKED
        if self.password is not None and is_locked and document.id not in self.tried:
            self.tried.add(document.id)
            await locks.set_password(services, session, document, self.password)


async def _look(
    services: Services, collection_id: int, waiting: dict[int, str], key: _Key
) -> Progress:
    """Take what ended out of `waiting`."""
    async with services.sessions.begin() as session:
        rows = await folder_queries.states_of(session, collection_id, list(waiting))
        for row in rows:
            await key.try_on(services, session, row)
    ended = [_ended(waiting.pop(row.id), row) for row in rows if _is_over(row)]
    in_work = [waiting[row.id] for row in rows if row.status == "processing"]
    gone = set(waiting) - {row.id for row in rows}
    ended += [Ended(waiting.pop(one), 0, "It was deleted meanwhile.") for one in gone]
    return Progress(ended, in_work)


def _is_over(document: Document) -> bool:
    """Whether waiting is of no use: only the operator ends the wait for a wrong key."""
    return document.status in _FINISHED or document.error_code == "embedder_misconfigured"


def _ended(name: str, document: Document) -> Ended:
    if document.status == "ready":
        return Ended(name, document.page_count or 0, None)
    return Ended(name, 0, f"{document.error_code}: {document.error_detail}")
