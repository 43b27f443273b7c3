"""What of an export was read so far, and refuses what does not fit it.

Whoever looks at a line asks here whether what it names is there; see `checking`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.fields import MOST, Id
from aiconvokit.operations.transfer.folder import Export
from aiconvokit.operations.transfer.records import Widget
from aiconvokit.operations.transfer.said import Citation, Message

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
class Reading:
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

    def documents(self) -> dict[int, str]:
        """Public ids of documents by number, once all are known."""
        if not self.names and self.known.ids["document"]:
            self.names = {number: one for one, number in self.known.ids["document"].items()}
        return self.names

    def unproven(self, line: int, cited: Citation) -> TransferError:
        """The error about a citation of an answer, whose line that is."""
        place = f"page {cited.page} of document {cited.document_id}, version {cited.version}"
        where = self.export.at(Message, line)
        return TransferError(f"{where}: its citation {cited.index} does not stand on {place}.")
