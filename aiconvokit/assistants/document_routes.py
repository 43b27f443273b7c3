"""`/assistants/{id}/documents/` and `/search/`: what an assistant reads, and what it would find."""

from typing import Any

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.idempotency import Once
from aiconvokit.assistants import access, queries
from aiconvokit.assistants.removal import remove_document
from aiconvokit.errors import NotFound
from aiconvokit.files import document_passwords, documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.documents import Incoming
from aiconvokit.files.download import download
from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.schemas import (
    DocumentLock,
    DocumentOut,
    DocumentUpdate,
    NewDocuments,
    PageOut,
)
from aiconvokit.files.show import show_document
from aiconvokit.rest.body import ApiRequest, Body, read_body
from aiconvokit.rest.fields import read_fields, read_with_files
from aiconvokit.rest.lists import answer, whole_number, window
from aiconvokit.rest.objects import read_object, read_only_object
from aiconvokit.rest.openapi import LIST, MODEL_ERRORS, VERSION, describe
from aiconvokit.retrieval.filters import compile_filter, parse_filter
from aiconvokit.retrieval.glossary import entries_of
from aiconvokit.retrieval.schemas import SearchQuery, SearchResults, show_passage
from aiconvokit.retrieval.search import Question, Scope, search
from aiconvokit.services import Services
from ingestion.attributes import Attributes, check_attributes
from ingestion.store import driver_connection


@get("/documents/", operation_class=describe(query=LIST))
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


@post("/documents/", operation_class=describe(NewDocuments, files=True, errors=(403, 409, 422)))
async def add_documents(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    once: NamedDependency[Once],
) -> Response[list[DocumentOut]]:
    """Add files; a known filename replaces that document, identical content changes nothing."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
    body = await read_body(request, services.settings.limits)
    attributes, (_, files) = read_object(
        body,
        "attributes",
        check_attributes,
        lambda rest: read_with_files(rest, NewDocuments, required=True),
    )
    attempt = await once.take(body)
    if attempt.stored is not None:
        return attempt.stored.response()
    async with (
        attempt,
        documents.received(services, [Incoming.of(one, attributes) for one in files]) as intake,
        services.sessions.begin() as session,
    ):
        await access.to_change(services, session, user_id, assistant_id)
        await access.hold(session, assistant_id, "change")
        collection = await queries.own_collection(session, assistant_id)
        await documents.add_within_quota(services, session, user_id, collection.id, intake)
        await queries.read_uploads(session, assistant_id)
        names = {arrival.filename for arrival in intake.arrivals}
        rows = await file_queries.documents_of(session, [collection.id])
        added = [row for row in rows if row[0].filename in names]
        shown = [show_document(request, assistant_id, row) for row in added]
        transaction = await driver_connection(session)
        return await attempt.keep(transaction, shown, assistant_id=assistant_id)


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
    row = await _cited(services, session, user_id, assistant_id, document_id)
    return show_document(request, assistant_id, row)


@put(
    "/documents/{document_id:int}/",
    operation_class=describe(DocumentUpdate, errors=(403,)),
)
async def change_document(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
) -> DocumentOut:
    """Replace a document's attributes, or say its password: one that stayed locked is read again.

    With a password of null what was said is forgotten.
    """
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
        await _document(session, assistant_id, document_id)
    body = await read_body(request, services.settings.limits)
    attributes, lock = _changes(body)
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
        row = await _document(session, assistant_id, document_id)
        if attributes is not None:
            await documents.change_attributes(session, row.document, attributes)
        if lock is not None:
            await document_passwords.set_password(services, session, row.document, lock.password)
        return show_document(request, assistant_id, row)


@delete("/documents/{document_id:int}/", operation_class=describe(errors=(403,)))
async def delete_document(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
) -> Response[None]:
    """Delete a document with its pages, passages and vectors; answers that cite it lose it too."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
        await _document(session, assistant_id, document_id)
        deletion, unused = await remove_document(session, user_id, assistant_id, document_id)
    await documents.discard(services, unused)
    return deletions.answer(request, deletion)


@get(
    "/documents/{document_id:int}/content/",
    operation_class=describe(download=True),
)
async def get_content(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
    document_id: FromPath[int],
) -> Stream:
    """The file as it was uploaded."""
    async with services.sessions.begin() as session:
        await access.to_ask(services, session, user_id, assistant_id)
        document = (await _cited(services, session, user_id, assistant_id, document_id)).document
        file = await file_queries.file_by_id(session, document.file_id)
    gone = NotFound.of("Document")
    if file is None:
        raise gone
    return await download(
        services, file, filename=document.filename, media_type=document.media_type, gone=gone
    )


@get(
    "/documents/{document_id:int}/pages/{number:int}/",
    operation_class=describe(query=VERSION),
)
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
        document = (await _cited(services, session, user_id, assistant_id, document_id)).document
        version = asked or document.ready_version or document.version
        found = await documents.page(session, document, number, version)
    return PageOut(found.number, found.label, found.text)


@post(
    "/search/",
    status_code=200,
    operation_class=describe(SearchQuery, errors=(*MODEL_ERRORS, 409)),
)
async def search_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> SearchResults:
    """The passages an answer would be made from, best first; no model is called."""
    assistant = await access.to_search(services, user_id, assistant_id)
    body = await read_body(request, services.settings.limits)
    filters, wanted = read_object(
        body, "filters", parse_filter, lambda rest: read_fields(rest, SearchQuery)
    )
    where = compile_filter(filters) if filters else None
    scope = Scope(where, entries_of(assistant.glossary))
    question = Question(wanted.query)
    found, _ = await search(services, assistant.collections, question, wanted.limit, scope)
    return SearchResults([show_passage(passage) for passage in found])


async def _cited(
    services: Services, session: AsyncSession, user_id: int, assistant_id: int, document_id: int
) -> DocumentRow:
    """A document that answers of the assistant may cite in the user's chats."""
    shared = services.settings.shared_assistants
    ids = await queries.citable_ids(session, user_id, assistant_id, shared=shared)
    return await documents.find(session, ids, document_id)


async def _document(session: AsyncSession, assistant_id: int, document_id: int) -> DocumentRow:
    """A document in any collection that the assistant reads."""
    ids = [one.id for one in await queries.collections_of(session, assistant_id)]
    return await documents.find(session, ids, document_id)


def _changes(body: Body) -> tuple[Attributes | None, DocumentLock | None]:
    """What a body changes: at least one of the two.

    Raises:
        InvalidFields: every mistake, by field.
    """
    if "password" not in body.values:
        return read_only_object(body, "attributes", check_attributes), None
    return read_object(
        body, "attributes", check_attributes, lambda rest: read_fields(rest, DocumentLock)
    )


def router() -> Router:
    """The routes of an assistant's documents."""
    handlers: list[Any] = [
        list_documents,
        add_documents,
        get_document,
        change_document,
        delete_document,
        get_content,
        get_page,
        search_assistant,
    ]
    return Router(
        "/assistants/{assistant_id:int}",
        route_handlers=handlers,
        guards=[require_user],
        tags=["documents"],
    )
