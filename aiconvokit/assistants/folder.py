"""A folder into an assistant: each file takes the way of an upload; known content is skipped."""

import asyncio
import enum
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants import queries
from aiconvokit.errors import AIConvoKitError, NotFound
from aiconvokit.files import document_passwords, documents, folder_queries
from aiconvokit.files import queries as file_queries
from aiconvokit.files.documents import Incoming
from aiconvokit.files.folder_queries import Content
from aiconvokit.services import Services
from ingestion.attributes import same
from ingestion.batch import Found
from ingestion.store import LOCKED
from ingestion.tables import Document

POLL_SECONDS = 0.2
POLL_SHARE = 20
"""Looking takes at most one part in so many of the time, however many documents wait."""
UNTIL_REPAIRED = {"embedder_misconfigured", "embedder_unavailable"}
"""What ends the waiting: these documents wait until the operator mends something."""


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

    Any worker on the database may do the work; cancelled, what is stored stays queued.

    Args:
        services: the database and the storage.
        owner_id: whose files they become.
        assistant_id: whose documents.
        batch: the files.
        password: tried once on each file that needs one, and kept with those that it opens.
    """
    async with services.sessions.begin() as session:
        collection = await queries.own_collection(session, assistant_id)
        await queries.read_uploads(session, assistant_id)
    following = _Following(services, collection.id, _Key(password))
    for found in batch:
        try:
            document_id = await _store(services, owner_id, collection.id, found)
        except (AIConvoKitError, OSError) as error:
            yield Progress([Ended(found.name, 0, str(error))], [])
        else:
            following.waiting[document_id] = found.name
            if following.is_time:
                yield await following.look()
    while following.waiting:
        await asyncio.sleep(following.pause_seconds)
        yield await following.look()


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

    async def opens(self, services: Services, session: AsyncSession, document: Document) -> bool:
        """Whether a locked document is read again with it; one that it did not open forgets it."""
        is_locked = document.status == "failed" and document.error_code == LOCKED
        if self.password is None or not is_locked:
            return False
        password = None if document.id in self.tried else self.password
        self.tried.add(document.id)
        try:
            await document_passwords.set_password(services, session, document, password)
        except NotFound:  # deleted just now
            return False
        return password is not None


class _Following:
    """Documents that are waited for, by id with the names of their files."""

    def __init__(self, services: Services, collection_id: int, key: _Key) -> None:
        self.waiting: dict[int, str] = {}
        self.pause_seconds = POLL_SECONDS
        self._services = services
        self._collection_id = collection_id
        self._key = key
        self._looked_at = 0.0

    @property
    def is_time(self) -> bool:
        """Whether the last look is long enough ago."""
        return time.monotonic() - self._looked_at >= self.pause_seconds

    async def look(self) -> Progress:
        """Take what ended out of what is waited for."""
        began = time.monotonic()
        async with self._services.sessions.begin() as session:
            unfinished = await folder_queries.unfinished_of(session, self._collection_id)
            still = {one.id for one in unfinished if one.error_code not in UNTIL_REPAIRED}
            over = self.waiting.keys() - still
            rows = await folder_queries.states_of(session, self._collection_id, list(over))
            for row in rows:
                if await self._key.opens(self._services, session, row):
                    over.discard(row.id)
        known = {row.id: row for row in rows}
        ended = [_ended(self.waiting.pop(one), known.get(one)) for one in sorted(over)]
        in_work = [one.id for one in unfinished if one.is_in_work]
        self._looked_at = time.monotonic()
        self.pause_seconds = max(POLL_SECONDS, POLL_SHARE * (self._looked_at - began))
        return Progress(ended, [self.waiting[one] for one in in_work if one in self.waiting])


def _ended(name: str, document: Document | None) -> Ended:
    if document is None:
        return Ended(name, 0, "It was deleted meanwhile.")
    if document.status == "ready":
        return Ended(name, document.page_count or 0, None)
    return Ended(name, 0, f"{document.error_code}: {document.error_detail}")
