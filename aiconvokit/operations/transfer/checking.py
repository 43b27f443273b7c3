"""An export is read once before anything is done: all of it fits together, or nothing is imported.

Whatever one line says of another is looked up, quotes are compared with the text of their pages,
and passages with its length: what answers prove on the new server is what they proved on the old.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.queries import NO_ASSISTANT
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.folder import Export
from aiconvokit.operations.transfer.places import original_path
from aiconvokit.operations.transfer.records import (
    MOST,
    Assistant,
    Batch,
    Citation,
    Deletion,
    Document,
    File,
    Id,
    Message,
    Page,
    Passage,
    Run,
    Thread,
    Usage,
    VectorStore,
    Widget,
)
from aiconvokit.retrieval.glossary import check_glossary
from ingestion.attributes import check_attributes
from ingestion.cutting import MOST as MOST_TOKENS
from ingestion.cutting import OVERLAP
from ingestion.load import clean_filename

PARAMETERS = {"model", "instructions", "tools", "truncation_strategy", "tool_choice", "searches"}
"""Some of what a run is asked for with; a response has others."""
OBJECTS: dict[str, str] = {
    "assistant": "assistant",
    "chat": "chat",
    "document": "document",
    "widget": "widget",
    "thread": "thread",
    "message": "message",
    "file": "file",
    "vector_store": "collection",
}
"""The table that the number in a deletion of a kind is of."""
LISTS = {"assistants": "assistant", "documents": "document", "chats": "chat"}
"""Of what a deletion removed."""

WidgetCheck = Callable[[Widget], None]
"""Raises a ValueError where a widget is none that its owner could have made."""

Place = tuple[str, int, int]
"""A page: a document's public id, a version, a number."""


class WrongError(Exception):
    """What is wrong with a line; the words end a sentence that says where."""


@dataclass(slots=True)
class Known:
    """What an export has, by table: who is called what, and all numbers that it speaks of.

    Attributes:
        ids: public id -> number.
        gone: numbers of what is not in it any more: deleted, and still cited or counted.
        contents: the sizes of the originals, by SHA-256.
        sizes: of files in bytes, by public id.
        shared: public ids of the files that came with documents, by SHA-256.
        queued: public ids of documents that wait to be read.
        locked: how many documents had a password.
    """

    ids: defaultdict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    gone: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    contents: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    queued: set[str] = field(default_factory=set)
    locked: int = 0

    def numbers(self, table: str) -> set[int]:
        """All numbers of a table."""
        return {*self.ids[table].values(), *self.gone[table]}


@dataclass(slots=True)
class _Check:
    """The lines that were read so far."""

    export: Export
    check_widget: WidgetCheck
    known: Known = field(default_factory=Known)
    taken: set[tuple[object, ...]] = field(default_factory=set)
    quotes: defaultdict[Place, list[tuple[int, Citation]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """What is cited, by page, with the lines of the answers."""
    ready: dict[str, int] = field(default_factory=dict)
    """The version of a document that has passages."""
    versions: dict[str, int] = field(default_factory=dict)
    lengths: defaultdict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """Characters of the pages of what has passages."""
    store_of: dict[str, str] = field(default_factory=dict)
    thread_of: dict[str, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    """Public ids of documents by number, once all are known."""
    last: tuple[int, ...] = ()

    def add(self, table: str, public_id: Id, number: int) -> None:
        """Take up an object."""
        self.once(table, public_id)
        self.once(table, number)
        self.known.ids[table][public_id] = number

    def once(self, *key: object) -> None:
        """Refuse what is there twice."""
        if key in self.taken:
            raise WrongError(f"{' '.join(map(str, key))} is there twice")
        self.taken.add(key)

    def there(self, table: str, *public_ids: str | None) -> None:
        """Refuse names of what is not in the export."""
        for one in public_ids:
            if one is not None and one not in self.known.ids[table]:
                raise WrongError(f"there is no {table} {one} in the export")

    def in_order(self, *key: int) -> None:
        """Refuse lines that do not stand one behind the other."""
        if key <= self.last:
            raise WrongError("it stands in the wrong place")
        self.last = key

    def mention(self, table: str, numbers: Iterable[int]) -> None:
        """Take up numbers of what may be gone."""
        for number in numbers:
            if not 0 < number <= MOST:
                raise WrongError(f"{number} is no number of a {table}")
            self.known.gone[table].add(number)


def check(export: Export, check_widget: WidgetCheck) -> Known:
    """Read all of an export; what it has.

    Args:
        export: whose manifest was read.
        check_widget: of the feature, which stands beside this one.

    Raises:
        TransferError: names the file and the line that is damaged, or does not fit the others.
    """
    found = _Check(export, check_widget)
    for kind, look in _LOOKS:
        found.last = ()
        for number, record in export.lines(kind):
            try:
                look(found, record, number)
            except (WrongError, ValueError) as error:  # validation errors are ValueErrors
                raise TransferError(f"{export.at(kind, number)}: {error}.") from None
    _ensure_proven(found)
    for table, ids in found.known.ids.items():
        found.known.gone[table] -= set(ids.values())
    _ensure_originals(export, found.known)
    return found.known


def _store(found: _Check, one: VectorStore, _line: int) -> None:
    found.add("collection", one.id, one.number)


def _file(found: _Check, one: File, _line: int) -> None:
    found.add("file", one.id, one.number)
    _ensure_clean(one.filename)
    if one.purpose is None:
        found.once("content of documents", one.sha256)
        found.known.shared[one.sha256] = one.id
    found.known.sizes[one.id] = one.size
    if found.known.contents.setdefault(one.sha256, one.size) != one.size:
        raise WrongError("another file of that content has another size")


def _document(found: _Check, one: Document, _line: int) -> None:
    found.add("document", one.id, one.number)
    found.in_order(one.number)
    found.there("collection", one.vector_store)
    found.there("file", one.file)
    _ensure_clean(one.filename)
    found.once("filename", one.vector_store, one.filename)
    found.store_of[one.id], found.versions[one.id] = one.vector_store, one.version
    check_attributes(one.attributes)
    if one.chunking is not None and one.chunking.keys() != {MOST_TOKENS, OVERLAP}:
        raise WrongError("its chunking is none")
    if (one.ready_version or 0) > one.version or (
        (one.status == "ready") != (one.ready_version == one.version)
    ):
        raise WrongError("its status does not fit its versions")
    if one.ready_version is not None:
        found.ready[one.id] = one.ready_version
    if one.status == "queued":
        found.known.queued.add(one.id)
    found.known.locked += one.had_password


def _ensure_clean(filename: str) -> None:
    """A name as an upload would have left it: no path, nothing invisible."""
    if clean_filename(filename) != filename:
        raise WrongError("its filename is none")


def _batch(found: _Check, one: Batch, _line: int) -> None:
    found.add("file_batch", one.id, one.number)
    found.there("collection", one.vector_store)
    found.there("document", *one.documents)
    if {found.store_of[document] for document in one.documents} - {one.vector_store}:
        raise WrongError("it has documents of another vector store")
    if len(set(one.documents)) != len(one.documents):
        raise WrongError("it has a document twice")


def _assistant(found: _Check, one: Assistant, _line: int) -> None:
    found.add("assistant", one.id, one.number)
    found.there("collection", *(read.id for read in one.vector_stores))
    if len({read.id for read in one.vector_stores}) != len(one.vector_stores):
        raise WrongError("it reads a vector store twice")
    if one.glossary is not None:
        check_glossary(one.glossary)


def _widget(found: _Check, one: Widget, _line: int) -> None:
    found.add("widget", one.id, one.number)
    found.there("assistant", one.assistant)
    found.check_widget(one)
    if len({(spent.day, spent.visitor) for spent in one.usage}) != len(one.usage):
        raise WrongError("it has a day's usage twice")


def _thread(found: _Check, one: Thread, _line: int) -> None:
    found.add("thread", one.id, one.number)
    found.there("collection", one.vector_store)
    found.in_order(one.number)
    if (chat := one.chat) is None:
        return
    found.once("chat", chat.number)
    found.known.ids["chat"][one.id] = chat.number
    found.there("assistant", chat.assistant)
    found.there("widget", chat.widget)
    if (chat.widget is None) != (chat.visitor is None):
        raise WrongError("it has a widget without a visitor, or a visitor without a widget")


def _message(found: _Check, one: Message, line: int) -> None:
    found.add("message", one.id, one.number)
    found.there("thread", one.thread)
    found.in_order(found.known.ids["thread"][one.thread], one.number)
    found.thread_of[one.id] = one.thread
    for cited in one.citations or []:
        found.mention("document", [cited.document_id])
        if one.status != "redacted":
            name = _documents(found).get(cited.document_id)
            if name is None:
                raise WrongError(f"it cites document {cited.document_id}, which is not there")
            found.quotes[name, cited.version, cited.page].append((line, cited))
    if one.receipt is not None:
        receipt = msgspec.convert(one.receipt, ReceiptOut)
        found.mention("document", (passage.document_id for passage in receipt.passages))
        if not {*(one.receipt_documents or ())} <= _documents(found).keys():
            raise WrongError("its receipt is of documents that are not there")


def _documents(found: _Check) -> dict[int, str]:
    if not found.names and found.known.ids["document"]:
        found.names = {number: one for one, number in found.known.ids["document"].items()}
    return found.names


def _run(found: _Check, one: Run, _line: int) -> None:
    found.add("run", one.id, one.number)
    found.there("thread", one.thread)
    found.in_order(found.known.ids["thread"][one.thread], one.number)
    if one.message is not None:
        found.there("message", one.message)
        found.once("answer of a run", one.message)
        if found.thread_of[one.message] != one.thread:
            raise WrongError("its answer is in another thread")
    if one.id.startswith("run_") and (missing := PARAMETERS - one.parameters.keys()):
        raise WrongError(f"its parameters lack {min(missing)}")


def _usage(found: _Check, one: Usage, _line: int) -> None:
    found.once("usage", one.day, one.assistant)
    if one.assistant != NO_ASSISTANT:
        found.mention("assistant", [one.assistant])


def _deletion(found: _Check, one: Deletion, _line: int) -> None:
    found.once("deletion", one.number)
    found.mention("deletion", [one.number])
    removed = msgspec.convert(one.removed, Removed)
    for name, table in LISTS.items():
        found.mention(table, getattr(removed, name))
    if table := OBJECTS.get(one.kind, ""):
        found.mention(table, [one.object_number])


def _page(found: _Check, one: Page, _line: int) -> None:
    found.there("document", one.document)
    found.in_order(found.known.ids["document"][one.document], one.version, one.number)
    if one.version > found.versions[one.document]:
        raise WrongError("its version is newer than its document")
    for line, cited in found.quotes.pop((one.document, one.version, one.number), ()):
        if one.text[cited.start : cited.end] != cited.quote:
            raise TransferError(_unproven(found.export, line, cited))
    if found.ready.get(one.document) == one.version:
        found.lengths[one.document][one.number] = len(one.text)


def _passage(found: _Check, one: Passage, _line: int) -> None:
    found.there("document", one.document)
    found.in_order(found.known.ids["document"][one.document], one.ordinal)
    length = found.lengths[one.document].get(one.page, -1)
    if not one.start < one.end <= length:
        raise WrongError("it is outside of its page")
    if not 0 <= one.number_density <= 1:
        raise WrongError("its number_density is not between 0 and 1")


def _ensure_proven(found: _Check) -> None:
    """Every quote was found on its page."""
    for cited in found.quotes.values():
        raise TransferError(_unproven(found.export, *cited[0]))


def _unproven(export: Export, line: int, cited: Citation) -> str:
    place = f"page {cited.page} of document {cited.document_id}, version {cited.version}"
    return f"{export.at(Message, line)}: its citation {cited.index} does not stand on {place}."


def _ensure_originals(export: Export, known: Known) -> None:
    """Every content is there with its size; what it is, is seen when it is stored."""
    missing = set(export.manifest.missing)
    for digest, size in known.contents.items():
        path = original_path(export.folder, digest)
        if digest not in missing and _size(path) != size:
            raise TransferError(f"{path} is missing, or does not have {size} bytes.")


def _size(path: Path) -> int:
    """Of a file that is one itself; links lead out of the folder."""
    is_own = path.is_file() and not any(one.is_symlink() for one in (path, *path.parents[:2]))
    return path.stat().st_size if is_own else -1


_LOOKS: Sequence[tuple[type[Any], Callable[[_Check, Any, int], None]]] = (
    (VectorStore, _store),
    (File, _file),
    (Document, _document),
    (Batch, _batch),
    (Assistant, _assistant),
    (Widget, _widget),
    (Thread, _thread),
    (Message, _message),
    (Run, _run),
    (Usage, _usage),
    (Deletion, _deletion),
    (Page, _page),
    (Passage, _passage),
)
"""In an order in which what one names was read before it."""
