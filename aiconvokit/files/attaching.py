"""Files that are there already become documents of a collection.

A file is one document in a collection, however often it is attached. Locks are taken in this order:
names, contents, documents, files, the collection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import quotas
from aiconvokit.errors import Conflict, NotFound
from aiconvokit.files import attachment_queries as statements
from aiconvokit.files import expiry_queries, queries
from aiconvokit.files.documents import queue_ingestion
from aiconvokit.files.tables import StoredFile
from aiconvokit.ids import public_id
from aiconvokit.services import Services
from ingestion.attributes import Attributes
from ingestion.load import MAX_NAME_CHARS, extension, title_of
from ingestion.tables import Document

AUTO: Mapping[str, int] = MappingProxyType({})
"""Passages are cut as we choose."""
NAMING_TRIES = 3
"""Uploads to the same collection may take a name between the look for one and its use."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is to be in a collection.

    `attributes` None and `chunking` None leave those of a document that is there; a new one has
    none, and AUTO. See `ingestion.cutting` for the keys of `chunking`.
    """

    file: StoredFile
    attributes: Attributes | None = None
    chunking: Mapping[str, int] | None = None


async def attach(
    services: Services, session: AsyncSession, collection_id: int, wanted: Sequence[Attachment]
) -> list[int]:
    """Make files documents of a collection and queue their jobs, in the caller's transaction.

    A document that is there is read again where its chunking changes, or where it had failed.

    Returns:
        ids of the documents, each once, in the order of the files.

    Raises:
        NotFound: the collection, or one of the files, was deleted meanwhile.
        Conflict: names could not be given, because uploads went on all the time.
        QuotaExceeded: these are more documents than the files' owner may have.
    """
    if not wanted:
        return []
    owner_id = wanted[0].file.owner_id
    await quotas.check_pages(services, session, owner_id)
    async with quotas.kept(services, session, owner_id):
        return await _attach(services, session, collection_id, wanted)


async def _attach(
    services: Services, session: AsyncSession, collection_id: int, wanted: Sequence[Attachment]
) -> list[int]:
    by_file = {one.file.id: one for one in wanted}
    await statements.hold_names(session, collection_id)
    await queries.lock_contents(session, [one.file.sha256 for one in by_file.values()])
    if not await statements.is_collection(session, collection_id):
        raise NotFound("The vector store was deleted meanwhile.")
    held = await statements.hold_attached(session, collection_id, list(by_file))
    if await statements.hold_files(session, list(by_file)) != set(by_file):
        raise NotFound("One of the files was deleted meanwhile.")
    found: dict[int, int] = {}
    unread: list[int] = []
    for document in held:
        found.setdefault(document.file_id, document.id)
        if await _change(session, document, by_file[document.file_id]):
            unread.append(document.id)
    new = [one for one in by_file.values() if one.file.id not in found]
    made = await _insert(session, collection_id, new)
    await queue_ingestion(services, session, *unread, *made.values())
    await expiry_queries.touch(session, collection_id)
    ids = found | made
    return [ids[file_id] for file_id in by_file]


async def _change(session: AsyncSession, document: Document, wanted: Attachment) -> bool:
    """Give a document that is there what is wanted of it; whether it is to be read again."""
    if wanted.attributes is not None:
        await statements.label(session, [document.id], wanted.attributes)
    if wanted.chunking is not None and dict(wanted.chunking) != (document.chunking or {}):
        await statements.read_again(session, document.id, dict(wanted.chunking))
        return True
    if document.status == "failed":
        await statements.retry(session, document.id)
        return True
    return False


async def _insert(
    session: AsyncSession, collection_id: int, new: Sequence[Attachment]
) -> dict[int, int]:
    """Make documents of files under names that are free; file id -> document id."""
    made: dict[int, int] = {}
    for _ in range(NAMING_TRIES):
        left = [one for one in new if one.file.id not in made]
        if not left:
            break
        names = await _names(session, collection_id, [one.file for one in left])
        rows = [_row(collection_id, one, names[one.file.id]) for one in left]
        for is_cut in (True, False):  # statements of many rows want the same columns in each
            alike = [row for row in rows if ("chunking" in row) is is_cut]
            made |= await statements.insert_documents(session, alike)
    if len(made) != len(new):
        raise Conflict("Others are adding files of the same names. Try again in a moment.")
    return {one.file.id: made[one.file.id] for one in new}


def _row(collection_id: int, wanted: Attachment, name: str) -> dict[str, Any]:
    file = wanted.file
    row = {
        "public_id": public_id("doc"),
        "collection_id": collection_id,
        "file_id": file.id,
        "filename": name,
        "media_type": file.media_type,
        "title": title_of(file.filename),
        "attributes": wanted.attributes or {},
    }
    return row | ({"chunking": dict(wanted.chunking)} if wanted.chunking else {})


async def _names(
    session: AsyncSession, collection_id: int, files: Sequence[StoredFile]
) -> dict[int, str]:
    """A free name for each file by its id: its own, or one with a number."""
    taken = set(await statements.names_among(session, collection_id, [f.filename for f in files]))
    numbered: dict[str, int] = {}
    names: dict[int, str] = {}
    for file in files:
        name = file.filename
        if name in taken and name not in numbered:
            taken |= set(await statements.names_beginning(session, collection_id, _stem(name)))
            numbered[name] = 1
        while name in taken:
            numbered[file.filename] += 1
            number = numbered[file.filename]
            name = f"{_stem(file.filename)} ({number}){_ending(file.filename)}"
        taken.add(name)
        names[file.id] = name
    return names


def _ending(name: str) -> str:
    """The extension as it is written."""
    return name[len(name) - len(extension(name)) :]


def _stem(name: str) -> str:
    """The name without its extension, short enough for a number behind it."""
    ending = _ending(name)
    return name.removesuffix(ending)[: MAX_NAME_CHARS - len(ending) - len(" (99999)")]
