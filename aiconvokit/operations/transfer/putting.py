"""A user's data is put into a server: group by group, each in one transaction.

What is there under its public id stays as it is. So an import that was killed is run again, and
goes on where it was; one that is run twice does nothing the second time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.llm.errors import ModelError
from aiconvokit.operations.transfer import numbers, putting_queries, reading
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.places import original_path
from aiconvokit.operations.transfer.planning import Prepared
from aiconvokit.operations.transfer.putting_queries import Connection, insert
from aiconvokit.operations.transfer.records import (
    Assistant,
    Batch,
    Deletion,
    Document,
    File,
    Page,
    Passage,
    Record,
    Usage,
    VectorStore,
    Widget,
)
from aiconvokit.operations.transfer.rows import Rows
from aiconvokit.operations.transfer.said import Message, Run, Thread
from aiconvokit.services import Services
from aiconvokit.storage import Stored
from ingestion.errors import IngestionError
from ingestion.store import driver_connection

AT_ONCE = 500
"""Sums of days, or deletions, in one statement."""

R = TypeVar("R", bound=Record)
Tell = Callable[[str, int], None]
"""Is told of which kind how many are done."""


@dataclass(slots=True)
class Done:
    """What an import came to.

    Attributes:
        waiting: numbers here of documents that wait to be read.
        problems: what is not as it was, a sentence each.
    """

    waiting: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Behind(Generic[R]):
    """Lines that belong to the objects of another file, and come in the order of those."""

    def __init__(self, lines: Iterator[tuple[int, R]], owner: Callable[[R], str]) -> None:
        self._lines = lines
        self._owner = owner
        self._next = next(lines, None)

    def of(self, public_id: str) -> list[R]:
        """Those of the next object."""
        found = []
        while self._next is not None and self._owner(self._next[1]) == public_id:
            found.append(self._next[1])
            self._next = next(self._lines, None)
        return found


class Putting:
    """An import in work."""

    def __init__(self, services: Services, prepared: Prepared, tell: Tell) -> None:
        self._services = services
        self._prepared = prepared
        self._tell = tell
        self._there = prepared.target.there
        self._rows = Rows(prepared.target.user_id, prepared.plan, self._number)
        self._files = self._same_files()
        self.done = Done()

    def _same_files(self) -> dict[str, int]:
        """Files that their user has already under another name: one of each content."""
        shared, same = self._prepared.known.shared, self._prepared.target.same_files
        return {shared[digest]: number for digest, (_, number) in same.items()}

    def _number(self, table: str, public_id: str) -> int:
        if table == "file" and public_id in self._files:
            return self._files[public_id]
        there = self._there[table].get(public_id)
        if there is not None:
            return there
        return self._prepared.plan.new(table, self._prepared.known.ids[table][public_id])

    async def put(self) -> Done:
        """Put in all that is not there; what waits to be read is told.

        Raises:
            TransferError: it stopped; what is in is whole, and another try goes on.
        """
        try:
            await self._stores_and_files()
            await self._assistants()
            await self._documents()
            await self._batches()
            await self._widgets()
            await self._threads()
            await self._sums()
        except (SQLAlchemyError, psycopg.Error) as error:
            origin = getattr(error, "orig", error)
            diag = getattr(origin, "diag", None)  # its detail may hold what stands in rows
            said = getattr(diag, "message_primary", None) or type(origin).__name__
            raise TransferError(f"The database says: {said}. Run the import again.") from error
        except OSError as error:
            raise TransferError(f"An original cannot be stored: {error}") from error
        return self.done

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[tuple[AsyncSession, Connection]]:
        async with self._services.owner_sessions.begin() as session:
            yield session, await driver_connection(session)

    def _lines(self, kind: type[R]) -> Iterator[R]:
        return (record for _, record in self._prepared.export.lines(kind))

    def _absent(self, kind: type[R], table: str) -> Iterator[R]:
        """Lines of what is not there yet."""
        known = self._there[table]
        for done, record in enumerate(self._lines(kind), start=1):
            self._tell(table, done)
            if getattr(record, "id", None) not in known:
                yield record

    async def _stores_and_files(self) -> None:
        for store in self._absent(VectorStore, "collection"):
            async with self._transaction() as (_, connection):
                await insert(connection, "collection", self._rows.store(store))
        missing = set(self._prepared.export.manifest.missing)
        for file in self._absent(File, "file"):
            if file.id in self._files:
                self.done.problems.append(
                    f"The file {file.filename} is here already: it keeps the id that it has here, "
                    f"and not {file.id}."
                )
                continue
            if file.sha256 in missing:
                self.done.problems.append(f"The bytes of {file.filename} were lost before.")
            else:
                await self._store(file)
            digest = bytes.fromhex(file.sha256)
            async with self._transaction() as (session, connection):
                await file_queries.lock_contents(session, [digest])
                # Somebody may have deleted the same content between its arrival and its lock.
                if file.sha256 not in missing and not await self._services.storage.has(digest):
                    await self._store(file)
                await insert(connection, "file", self._rows.file(file))

    async def _store(self, file: File) -> None:
        path = original_path(self._prepared.export.folder, file.sha256)
        if await self._services.storage.has(bytes.fromhex(file.sha256)):
            return
        with path.open("rb") as source:
            stored: Stored = await self._services.storage.put(source, max_bytes=file.size)
        if stored.sha256.hex() != file.sha256:
            await documents.discard(self._services, [stored.sha256])
            raise TransferError(f"{path} has other bytes than its name says: it was altered.")

    async def _assistants(self) -> None:
        for one in self._absent(Assistant, "assistant"):
            row = self._rows.assistant(one)
            links = [
                {
                    "assistant_id": row["id"],
                    "collection_id": self._number("collection", read.id),
                    "position": read.position,
                }
                for read in one.vector_stores
            ]
            async with self._transaction() as (_, connection):
                await insert(connection, "assistant", row)
                await insert(connection, "assistant_collection", *links)

    async def _documents(self) -> None:
        export = self._prepared.export
        pages = _Behind(export.lines(Page), lambda page: page.document)
        passages = _Behind(export.lines(Passage), lambda passage: passage.document)
        for done, one in enumerate(self._lines(Document), start=1):
            await self._document(one, pages.of(one.id), passages.of(one.id))
            self._tell("document", done)

    async def _document(self, one: Document, pages: list[Page], passages: list[Passage]) -> None:
        row = self._rows.document(one)
        async with self._transaction() as (session, connection):
            state = await putting_queries.state_of(connection, one.id)
            if state is None:
                await insert(connection, "document", row)
                old = [page for page in pages if page.version != one.ready_version]
                await insert(connection, "page", *(_page(row["id"], page) for page in old))
                if row["status"] == "queued":
                    await documents.queue_ingestion(self._services, session, row["id"])
        if one.status == "queued":
            self.done.waiting.append(row["id"])
        carried = one.ready_version or one.version
        if state is not None and state.version < carried:
            self.done.problems.append(
                f"{one.filename} is here in an older version ({state.version}), and stays as it is."
            )
        if one.ready_version is None or (state and state.version != carried):
            return
        if state is None or state.ready_version is None:
            current = [page for page in pages if page.version == one.ready_version]
            await self._read(row["id"], one, current, passages)
        async with self._transaction() as (session, connection):
            is_in = await putting_queries.finish(connection, self._rows.finished(one))
            if is_in and one.status == "queued":
                await documents.queue_ingestion(self._services, session, row["id"])

    async def _read(
        self, document_id: int, one: Document, pages: list[Page], passages: list[Passage]
    ) -> None:
        try:
            is_in = await reading.make_searchable(self._services, document_id, one, pages, passages)
        except (IngestionError, ModelError) as error:
            raise TransferError(
                f"{one.filename} cannot be embedded: {error.detail} What was imported stays. When "
                "that is mended, run the import again."
            ) from error
        if not is_in:
            self.done.problems.append(f"{one.filename} cannot be searched: see its error.")

    async def _batches(self) -> None:
        for one in self._absent(Batch, "file_batch"):
            row = self._rows.batch(one)
            links = [
                {"batch_id": row["id"], "document_id": self._number("document", document)}
                for document in one.documents
            ]
            async with self._transaction() as (_, connection):
                await insert(connection, "file_batch", row)
                await insert(connection, "file_batch_document", *links)

    async def _widgets(self) -> None:
        for one in self._absent(Widget, "widget"):
            row = self._rows.widget(one)
            spent = [
                {
                    "widget_id": row["id"],
                    "day": day.day,
                    "visitor": day.visitor,
                    "messages": day.messages,
                    "tokens": day.tokens,
                }
                for day in one.usage
            ]
            async with self._transaction() as (_, connection):
                await insert(connection, "widget", row)
                await insert(connection, "widget_usage", *spent)

    async def _threads(self) -> None:
        export, known = self._prepared.export, self._there["thread"]
        messages = _Behind(export.lines(Message), lambda message: message.thread)
        runs = _Behind(export.lines(Run), lambda run: run.thread)
        for done, one in enumerate(self._lines(Thread), start=1):
            said, asked = messages.of(one.id), runs.of(one.id)
            if one.id not in known:
                await self._thread(one, said, asked)
            self._tell("thread", done)

    async def _thread(self, one: Thread, said: list[Message], asked: list[Run]) -> None:
        rows, new = self._rows, self._prepared.plan.new
        numbers_said = {message.number: new("message", message.number) for message in said}
        async with self._transaction() as (_, connection):
            thread = rows.thread(one)
            await insert(connection, "thread", thread)
            if (chat := one.chat) is not None:
                chat_id = new("chat", chat.number)
                values = {
                    "id": chat_id,
                    "thread_id": thread["id"],
                    "assistant_id": self._number("assistant", chat.assistant),
                    "created_at": chat.created_at,
                }
                await insert(connection, "chat", values)
                if chat.widget is not None:
                    visit = {"chat_id": chat_id, "visitor": chat.visitor}
                    widget = self._number("widget", chat.widget)
                    await insert(connection, "widget_chat", visit | {"widget_id": widget})
            await insert(connection, "message", *map(rows.message, said))
            receipts = [rows.receipt(message) for message in said if message.receipt is not None]
            await insert(connection, "receipt", *receipts)
            await insert(connection, "run", *(rows.run(run, numbers_said) for run in asked))

    async def _sums(self) -> None:
        """What was asked by days, and what was deleted; then the import is finished."""
        usage = [self._rows.usage(one) for one in self._lines(Usage)]
        async with self._transaction() as (session, connection):
            await putting_queries.add_usage(connection, usage)
            for one in self._lines(Deletion):
                await putting_queries.insert_deletion(connection, self._rows.deletion(one))
            if not self._prepared.plan.is_finished:
                owner_id = self._prepared.target.user_id
                await audit.note(session, "user.imported", "user", owner_id)
        self._prepared.plan.is_finished = True
        await asyncio.to_thread(numbers.keep_at, self._prepared.path, self._prepared.plan)


def _page(document_id: int, page: Page) -> dict[str, object]:
    return {
        "document_id": document_id,
        "version": page.version,
        "number": page.number,
        "label": page.label,
        "text": page.text,
    }


async def still_unread(services: Services, document_ids: list[int]) -> int:
    """How many of some documents wait to be read, and can be."""
    async with services.owner_sessions.begin() as session:
        connection = await driver_connection(session)
        return len(await putting_queries.unread(connection, document_ids))


async def failures(services: Services, document_ids: list[int]) -> list[str]:
    """Which of some documents could not be read, a sentence each."""
    async with services.owner_sessions.begin() as session:
        rows = await putting_queries.not_ready(await driver_connection(session), document_ids)
    return [f"{name}: {code}: {detail}" for name, code, detail in rows]
