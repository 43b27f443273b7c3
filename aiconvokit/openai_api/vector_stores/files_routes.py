"""`/v1/vector_stores/{id}/files`: files that a vector store is made of."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.deletions import Removed
from aiconvokit.files import documents
from aiconvokit.files.attaching import Attachment, attach
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.bodies import read
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.vector_stores import queries, work
from aiconvokit.openai_api.vector_stores.schemas import (
    CAPPED,
    NewStoreFile,
    StoreFileContent,
    StoreFileDeleted,
    StoreFileOut,
    StoreFileUpdate,
    TextOut,
    attributes_of,
    chunking_of,
)
from aiconvokit.openai_api.vector_stores.show import (
    STATUS_FILTER,
    read_status,
    show_store_file,
)
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

FILES = "/vector_stores/{vector_store_id:str}/files"
ONE = f"{FILES}/{{file_id:str}}"


@post(
    FILES,
    status_code=200,
    operation_class=describe(NewStoreFile, errors=(403, 409)),
    partly=CAPPED,
)
async def attach_file(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> StoreFileOut:
    """Attach a file; one that is there gets what is said of it anew."""
    wanted = await read(request, services, NewStoreFile)
    attributes = attributes_of(wanted.attributes)
    chunking = chunking_of(wanted.chunking_strategy)
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        work.check_alive(collection)
        (file,) = await lookup.files(session, user_id, [wanted.file_id])
        new = Attachment(file, attributes, chunking)
        await attach(services, session, collection.id, [new])
        return show_store_file(collection, await work.file_in(session, collection, wanted.file_id))


@get(FILES, operation_class=describe(query={**CURSOR, **STATUS_FILTER}))
async def list_store_files(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
) -> Page[StoreFileOut]:
    """A vector store's files, newest first."""
    status, wanted = read_status(request), read_cursor(request)
    collection = await work.store(session, user_id, vector_store_id)
    found = await queries.store_files(session, collection, status, wanted)
    shown = [show_store_file(collection, one) for one in found.rows]
    return page(shown, has_more=found.has_more)


@get(ONE)
async def get_store_file(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    file_id: FromPath[str],
) -> Response[StoreFileOut]:
    """One file of a vector store and how far it is."""
    collection = await work.store(session, user_id, vector_store_id)
    found = await work.file_in(session, collection, file_id)
    return Response(show_store_file(collection, found), headers=POLL)


@post(ONE, status_code=200, operation_class=describe(StoreFileUpdate))
async def change_store_file(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    file_id: FromPath[str],
) -> StoreFileOut:
    """Replace a file's attributes in a vector store; it is not read again."""
    wanted = await read(request, services, StoreFileUpdate)
    attributes = attributes_of(wanted.attributes) or {}
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        found = await work.file_in(session, collection, file_id)
        await documents.change_attributes(session, found.document, attributes)
        return show_store_file(collection, found)


@delete(ONE, status_code=200)
async def detach_file(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    file_id: FromPath[str],
) -> StoreFileDeleted:
    """Take a file out of a vector store; one that was uploaded by itself stays."""
    async with services.sessions.begin() as session:
        collection = await work.store(session, user_id, vector_store_id)
        (file,) = await lookup.files(session, user_id, [file_id])
        unused = await work.detach(session, collection, file, Removed())
    await documents.discard(services, unused)
    return StoreFileDeleted(file_id)


@get(f"{ONE}/content")
async def get_store_file_content(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    vector_store_id: FromPath[str],
    file_id: FromPath[str],
) -> StoreFileContent:
    """What was read of a file, a text for each page; nothing before it was read."""
    collection = await work.store(session, user_id, vector_store_id)
    found = await work.file_in(session, collection, file_id)
    texts = await queries.texts_of(session, found.document)
    return StoreFileContent([TextOut(one) for one in texts])


HANDLERS: list[Any] = [
    attach_file,
    list_store_files,
    get_store_file,
    change_store_file,
    detach_file,
    get_store_file_content,
]
