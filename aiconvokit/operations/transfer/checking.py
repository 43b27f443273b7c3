"""An export is read once before anything is done: all of it fits together, or nothing is imported.

Whatever one line says of another is looked up, quotes are compared with the text of their pages,
and passages with its length: what answers prove on the new server is what they proved on the old.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiconvokit.operations.transfer import document_checks, thread_checks
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.folder import Export
from aiconvokit.operations.transfer.known import Known, Reading, WidgetCheck, WrongError
from aiconvokit.operations.transfer.places import original_path
from aiconvokit.operations.transfer.records import (
    Assistant,
    Batch,
    Deletion,
    Document,
    File,
    Page,
    Passage,
    Usage,
    VectorStore,
    Widget,
)
from aiconvokit.operations.transfer.said import Message, Run, Thread


def check(export: Export, check_widget: WidgetCheck) -> Known:
    """Read all of an export; what it has.

    Args:
        export: whose manifest was read.
        check_widget: of the feature, which stands beside this one.

    Raises:
        TransferError: names the file and the line that is damaged, or does not fit the others.
    """
    found = Reading(export, check_widget)
    for kind, look in LOOKS:
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


def _ensure_proven(found: Reading) -> None:
    """Every quote was found on its page."""
    for cited in found.quotes.values():
        raise found.unproven(*cited[0])


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


LOOKS: Sequence[tuple[type[Any], Callable[[Reading, Any, int], None]]] = (
    (VectorStore, document_checks.store),
    (File, document_checks.file),
    (Document, document_checks.document),
    (Batch, document_checks.batch),
    (Assistant, document_checks.assistant),
    (Widget, document_checks.widget),
    (Thread, thread_checks.thread),
    (Message, thread_checks.message),
    (Run, thread_checks.run),
    (Usage, thread_checks.usage),
    (Deletion, thread_checks.deletion),
    (Page, document_checks.page),
    (Passage, document_checks.passage),
)
"""In an order in which what one names was read before it."""
