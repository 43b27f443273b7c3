"""A folder and an assistant in step: documents whose files are gone go too, renamed ones stay.

A file is gone when nothing is at its place; one that this run passes over is not. A renamed file is
its document under another name, so that answers that cite it keep their words.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiconvokit.assistants import queries, removal
from aiconvokit.assistants.folder import Plan
from aiconvokit.assistants.folder_memory import Memory, Remembered
from aiconvokit.errors import NotFound
from aiconvokit.files import documents, folder_queries
from aiconvokit.files.folder_queries import Content
from aiconvokit.services import Services
from ingestion.batch import Found
from ingestion.load import extension

MANY = 5
"""Documents that may go without being asked for; and of more, this share:"""
MANY_SHARE = 0.2


@dataclass(slots=True)
class Difference:
    """What is to be done beside reading; names of documents.

    Attributes:
        root: the folder.
        memory: what is kept of it.
        known: what is remembered of the folder and still as it was.
        held: the assistant's documents as they were when this was looked for.
        gone: those of them whose files are gone, without `renamed`.
        renamed: old name -> the file that has the content now.
    """

    root: Path
    memory: Memory
    known: dict[str, Remembered]
    held: Mapping[str, Content]
    gone: list[str] = field(default_factory=list)
    renamed: dict[str, Found] = field(default_factory=dict)

    @property
    def is_much(self) -> bool:
        """Whether so much would go that the folder may rather be an empty mount point."""
        gone = len(self.gone)
        is_all = 0 < gone == len(self.known)
        return is_all or (gone > MANY and gone > MANY_SHARE * len(self.known))


async def compare(
    services: Services,
    assistant_id: int,
    root: Path,
    planned: Sequence[tuple[Found, Plan]],
) -> Difference:
    """What of a folder is gone, and what has another name.

    Args:
        services: the database, and the data folder with the memory.
        assistant_id: which assistant.
        root: the folder.
        planned: its files and what they mean, as `folder.compare` says.

    Raises:
        OSError: a file of the folder can be neither found nor missed.
    """
    memory = Memory(services.data_dir, assistant_id, root)
    remembered = await asyncio.to_thread(memory.load)
    held = await _held(services, assistant_id)
    known = {name: one for name, one in remembered.items() if _is(held.get(name), one)}
    difference = Difference(root, memory, known, held)
    there = {found.name for found, _ in planned}
    absent = [name for name in known if name not in there]
    difference.gone = await asyncio.to_thread(_gone, root, known, absent)
    if difference.gone:
        new = [found for found, plan in planned if plan is Plan.NEW]
        await asyncio.to_thread(_find_renamed, difference, new)
    return difference


def _is(held: Content | None, one: Remembered) -> bool:
    return held is not None and (held.document_id, held.version) == (one.document_id, one.version)


def _gone(root: Path, known: Mapping[str, Remembered], names: Sequence[str]) -> list[str]:
    gone = []
    for name in names:
        try:
            (root / known[name].path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            gone.append(name)
    return gone


def _find_renamed(difference: Difference, new: Sequence[Found]) -> None:
    """Move what has another name from `gone` to `renamed`; the type must be the same."""
    by_content = {(one.sha256(), extension(one.name)): one for one in reversed(new)}
    for name in list(difference.gone):
        key = (difference.held[name].sha256, extension(name))
        if (found := by_content.pop(key, None)) is not None:
            difference.gone.remove(name)
            difference.renamed[name] = found


async def apply(services: Services, user_id: int, assistant_id: int, todo: Difference) -> None:
    """Give documents their new names, and delete those whose files are gone.

    Renamed ones wait to be read again, like any that was stored; each is done by itself, so that a
    run that is cut off has done what it has done.
    """
    for name, found in todo.renamed.items():
        async with services.sessions.begin() as session:
            if await folder_queries.rename(session, todo.held[name], found.name):
                await documents.queue_ingestion(services, session, todo.held[name].document_id)
    for name in todo.gone:
        document_id = todo.held[name].document_id
        try:
            async with services.sessions.begin() as session:
                _, unused = await removal.remove_document(
                    session, user_id, assistant_id, document_id
                )
        except NotFound:  # somebody else was faster
            continue
        await documents.discard(services, unused)


async def remember(
    services: Services,
    assistant_id: int,
    todo: Difference,
    planned: Sequence[tuple[Found, Plan]],
) -> None:
    """Note which documents are the folder's now: those whose content is that of their file."""
    held = await _held(services, assistant_id)
    kept = {name: one for name, one in todo.known.items() if _is(held.get(name), one)}
    for found, plan in planned:
        one = held.get(found.name)
        if one is None:
            continue
        former = todo.held.get(found.name)
        if former is not None and former.made_of == one.made_of and plan is not Plan.CHANGED:
            is_its = True  # they were compared already
        else:
            is_its = await asyncio.to_thread(_has_content, found, one)
        if is_its:
            path = str(found.path.relative_to(todo.root))
            kept[found.name] = Remembered(path, one.document_id, one.version)
    await asyncio.to_thread(todo.memory.save, kept)


def _has_content(found: Found, held: Content) -> bool:
    try:
        return found.sha256() == held.sha256
    except OSError:  # it went meanwhile: the next run says so
        return False


async def _held(services: Services, assistant_id: int) -> dict[str, Content]:
    async with services.sessions.begin() as session:
        collection = await queries.find_own_collection(session, assistant_id)
        if collection is None:
            return {}
        return await folder_queries.contents_of(session, collection.id)
