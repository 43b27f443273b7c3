"""`/assistants/{id}/documents/` and `/search/`: what an assistant reads, and what it would find."""

from typing import Any

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.auth import require_user
from aiconvokit.assistants import access, queries
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.schemas import DocumentOut, PageOut
from aiconvokit.files.show import show_document
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields, read_files
from aiconvokit.rest.lists import answer, whole_number, window
from aiconvokit.rest.openapi import reads
from aiconvokit.retrieval.schemas import SearchQuery, SearchResults, show_passage
from aiconvokit.retrieval.search import Question, search
from aiconvokit.services import Services


class _NoFields(Struct):
    """A body that holds files and nothing else."""


@get("/documents/")
async def list_documents(
    request: ApiRequest,
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> Response[list[DocumentOut]]:
    """An assistant's documents, oldest first."""
    wanted = window(request)
    assistant = await access.to_ask(services, session, user_id, assistant_id)
    ids = [one.id for one in await queries.collections_of(session, assistant.id)]
    rows = await file_queries.documents_of(session, ids, wanted)
    return answer(request, rows, lambda row: show_document(request, assistant_id, row), wanted)


@post("/documents/", operation_class=reads(_NoFields, files=True))
async def add_documents(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> list[DocumentOut]:
    """Add files; a known filename replaces that document, identical content changes nothing."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
    body = await read_body(request, max_json_bytes=services.settings.limits.max_json_bytes)
    arrivals = await documents.receive(services, read_files(body, required=True))
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        collection = (await queries.collections_of(session, assistant.id))[0]
        await documents.add(services, session, user_id, collection.id, arrivals)
        names = {arrival.filename for arrival in arrivals}
        rows = await file_queries.documents_of(session, [collection.id])
        return [
            show_document(request, assistant_id, row) for row in rows if row[0].filename in names
        ]


@get("/documents/{document_id:int}/")
async def get_document(
    request: ApiRequest,
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
) -> DocumentOut:
    """One document and how far it is."""
    await access.to_ask(services, session, user_id, assistant_id)
    row = await _document(session, assistant_id, document_id)
    return show_document(request, assistant_id, row)


@delete("/documents/{document_id:int}/")
async def delete_document(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
) -> None:
    """Delete a document with its pages, passages and vectors."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
        document, _ = await _document(session, assistant_id, document_id)
        unused = await documents.remove(session, document)
    if unused is not None:
        await services.storage.delete(unused)


@get("/documents/{document_id:int}/pages/{number:int}/")
async def get_page(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
    number: FromPath[int],
) -> PageOut:
    """A page's text, which citations point into; `?version=` for an older one."""
    asked = whole_number(request, "version", 1, 2**31 - 1)
    async with services.sessions.begin() as session:
        await access.to_ask(services, session, user_id, assistant_id)
        document, _ = await _document(session, assistant_id, document_id)
        version = asked or document.ready_version or document.version
        found = await documents.page(session, document, number, version)
    return PageOut(found.number, found.label, found.text)


@post("/search/", status_code=200, operation_class=reads(SearchQuery))
async def search_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> SearchResults:
    """The passages an answer would be made from, best first; no model is called."""
    async with services.sessions.begin() as session:
        assistant = await access.to_ask(services, session, user_id, assistant_id)
        collections = await queries.collections_of(session, assistant.id)
    body = await read_body(request, max_json_bytes=services.settings.limits.max_json_bytes)
    wanted = read_fields(body, SearchQuery)
    found = await search(services, collections, Question(wanted.query), wanted.limit)
    return SearchResults([show_passage(passage) for passage in found])


async def _document(session: AsyncSession, assistant_id: int, document_id: int) -> DocumentRow:
    """A document in any collection that the assistant reads."""
    ids = [one.id for one in await queries.collections_of(session, assistant_id)]
    return await documents.find(session, ids, document_id)


def router() -> Router:
    """The routes of an assistant's documents."""
    handlers: list[Any] = [
        list_documents,
        add_documents,
        get_document,
        delete_document,
        get_page,
        search_assistant,
    ]
    return Router(
        "/assistants/{assistant_id:int}",
        route_handlers=handlers,
        guards=[require_user],
        tags=["documents"],
    )
