"""A set through the real pipeline: stored like uploads, read by the worker, searchable after.

What was read once stays: a collection is named after the digest of its documents, and documents
that are there with the same content are not read again.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from aiconvokit.accounts import queries as account_queries
from aiconvokit.assistants import folder as assistant_folder
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.folder import Plan
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.evals.sets import Mode, QuestionSet, SetQuestion
from aiconvokit.retrieval.types import Searchable
from aiconvokit.services import Services
from ingestion.batch import Found

USER = "evaluation"
AT_ONCE = 4
"""Assistants filled side by side, so that no worker waits while a single document is followed."""

TELL_EVERY = 50
"""Documents between two lines about them."""

Reading = Callable[[], AbstractAsyncContextManager[None]]
"""A worker for the block's time."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """One assistant with the documents that a question searches."""

    owner_id: int
    assistant_id: int
    collections: Sequence[Searchable]


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """A set in one mode, ready to be asked.

    `desks` has one entry a document in the mode "own", and the key None when all documents are
    searched together. `failed` holds documents that could not be read, with the reason.
    """

    set: QuestionSet
    mode: Mode
    desks: Mapping[str | None, Desk]
    failed: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """What the gold calls a document, where that is not the document's name."""

    @property
    def name(self) -> str:
        """The set's name, with the mode where there are two."""
        return f"{self.set.name} {self.mode}" if len(self.set.modes) > 1 else self.set.name

    def desk(self, question: SetQuestion) -> Desk:
        """Where a question is asked."""
        return self.desks[question.document if self.mode == "own" else None]

    def text(self, question: SetQuestion) -> str:
        """The question as it is asked in this mode."""
        pooled = question.pooled_text if self.mode == "pooled" else None
        return pooled or question.text

    def document(self, filename: str) -> str:
        """What the gold calls a document; on an assistant of others, a text's file bears its id."""
        alias = self.names.get(filename)
        if alias is None and self.set.corpus:
            alias = PurePosixPath(filename).stem
        return alias or filename

    @property
    def questions(self) -> list[SetQuestion]:
        """Those that make sense in this mode."""
        return [one for one in self.set.questions if self.mode == "own" or one.is_pooled]

    @property
    def unanswerable(self) -> list[SetQuestion]:
        """Those without an answer, in the set's first mode only.

        Among all documents another one may have what the question's own lacks.
        """
        if self.mode != self.set.modes[0]:
            return []
        return [one for one in self.questions if one.answerable is False]


async def load(
    services: Services, wanted: QuestionSet, mode: Mode, reading: Reading, tell: Tell
) -> LoadedSet:
    """Make a set searchable; what cannot be read is in `failed`."""
    digest = wanted.content_sha256()[:16]
    with tempfile.TemporaryDirectory(prefix="aiconvokit-eval-") as scratch:
        files = list(_files(wanted, Path(scratch)))
        owner_id = await _owner(services)
        groups: dict[str | None, list[Found]] = {None: files}
        if mode == "own":
            groups = {one.name: [one] for one in files}
        desks = {
            key: await _desk(services, owner_id, f"{digest} {mode} {key or ''}".strip())
            for key in groups
        }
        todo = [
            (key, [one for one, plan in zip(group, plans, strict=True) if plan is not Plan.KNOWN])
            for key, group in groups.items()
            for plans in [await assistant_folder.compare(services, desks[key].assistant_id, group)]
        ]
        jobs = [(desks[key], batch) for key, batch in todo if batch]
        failed: dict[str, str] = {}
        if jobs:
            async with reading():
                failed = await _read(
                    services, jobs, lambda what: tell(f"{wanted.name} {mode}: {what}")
                )
        desks = {key: await _refreshed(services, desk) for key, desk in desks.items()}
    return LoadedSet(wanted, mode, desks, failed, wanted.aliases)


async def existing(services: Services, wanted: QuestionSet, assistant_id: int) -> LoadedSet | None:
    """A set's questions for an assistant that has the documents already; None: no assistant."""
    async with services.sessions.begin() as session:
        found = await assistant_queries.visible_assistant(session, 0, assistant_id, shared=True)
    if found is None:
        return None
    desk = await _refreshed(services, Desk(found.owner_id, found.id, ()))
    return LoadedSet(wanted, "pooled", {None: desk})


def _files(wanted: QuestionSet, scratch: Path) -> Iterator[Found]:
    yield from wanted.documents
    for text in wanted.corpus:
        yield text.write(scratch)


async def _owner(services: Services) -> int:
    async with services.sessions.begin() as session:
        found = await account_queries.user_by_name(session, USER)
        if found is None:
            # Nobody logs in as this user: what stands for a hash is none.
            found = await account_queries.insert_user(session, USER, "", secrets.token_hex())
        if found is None:
            found = await account_queries.user_by_name(session, USER)
    if found is None:
        raise RuntimeError(USER)
    return found.id


async def _desk(services: Services, owner_id: int, name: str) -> Desk:
    async with services.sessions.begin() as session:
        found = await assistant_queries.assistant_by_name(session, owner_id, name)
        if found is None:
            wanted = NewAssistant(name, "the company", "Answer questions from the documents.")
            found = await assistant_queries.insert_assistant(session, owner_id, wanted)
        return Desk(owner_id, found.id, ())


async def _refreshed(services: Services, desk: Desk) -> Desk:
    """The desk with its collections as they are after reading."""
    async with services.sessions.begin() as session:
        collections = await assistant_queries.collections_of(session, desk.assistant_id)
    return Desk(desk.owner_id, desk.assistant_id, collections)


async def _read(
    services: Services, jobs: Sequence[tuple[Desk, list[Found]]], tell: Tell
) -> dict[str, str]:
    failed: dict[str, str] = {}
    total, done = sum(len(batch) for _, batch in jobs), 0
    tell(f"reading {total} documents")
    places = asyncio.Semaphore(AT_ONCE)

    async def fill(desk: Desk, batch: list[Found]) -> None:
        nonlocal done
        async with places:
            events = assistant_folder.ingest(services, desk.owner_id, desk.assistant_id, batch)
            async for progress in events:
                failed.update({one.name: one.problem for one in progress.ended if one.problem})
                for _ in progress.ended:
                    done += 1
                    if done % TELL_EVERY == 0:
                        tell(f"{done} of {total} documents are read")

    async with asyncio.TaskGroup() as group:
        for desk, batch in jobs:
            group.create_task(fill(desk, batch))
    return failed
