"""`/assistants/`: the documented calls, and deletion."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.auth import require_user
from aiconvokit.assistants import access, queries
from aiconvokit.assistants.schemas import AssistantOut, AssistantUpdate, NewAssistant
from aiconvokit.assistants.tables import Assistant
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.show import show_document
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields, read_files
from aiconvokit.rest.lists import answer, window
from aiconvokit.rest.openapi import reads
from aiconvokit.rest.urls import assistant_url, document_url
from aiconvokit.services import Services


@get("/")
async def list_assistants(
    request: ApiRequest,
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
) -> Response[list[AssistantOut]]:
    """Assistants that one may ask, oldest first."""
    wanted = window(request)
    shared = services.settings.shared_assistants
    found = await queries.visible_assistants(session, user_id, wanted, shared=shared)
    owned = await queries.own_collections(session, [assistant.id for assistant in found])
    by_collection: dict[int, list[DocumentRow]] = {}
    for row in await file_queries.documents_of(session, list(owned.values())):
        by_collection.setdefault(row[0].collection_id, []).append(row)
    return answer(
        request,
        found,
        lambda one: show_assistant(request, one, by_collection.get(owned.get(one.id, 0), [])),
        wanted,
    )


@post("/", operation_class=reads(NewAssistant, files=True))
async def create_assistant(
    request: ApiRequest, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> AssistantOut:
    """Make an assistant; files are read by the worker and become searchable one by one."""
    body = await read_body(request, max_json_bytes=services.settings.limits.max_json_bytes)
    wanted = read_fields(body, NewAssistant)
    arrivals = await documents.receive(services, read_files(body))
    async with services.sessions.begin() as session:
        assistant = await queries.insert_assistant(session, user_id, wanted)
        collection = (await queries.collections_of(session, assistant.id))[0]
        await documents.add(services, session, user_id, collection.id, arrivals)
        rows = await file_queries.documents_of(session, [collection.id])
    return show_assistant(request, assistant, rows)


@get("/{assistant_id:int}/")
async def get_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> AssistantOut:
    """One assistant with its documents."""
    assistant = await access.to_ask(services, session, user_id, assistant_id)
    collections = await queries.collections_of(session, assistant.id)
    rows = await file_queries.documents_of(session, [one.id for one in collections])
    return show_assistant(request, assistant, rows)


@put("/{assistant_id:int}/", operation_class=reads(AssistantUpdate, files=True))
async def change_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> AssistantOut:
    """Change an assistant's words and add documents; a known filename replaces that document."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
    body = await read_body(request, max_json_bytes=services.settings.limits.max_json_bytes)
    wanted = read_fields(body, AssistantUpdate)
    arrivals = await documents.receive(services, read_files(body))
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        await queries.update_assistant(session, assistant.id, wanted)
        collection = (await queries.collections_of(session, assistant.id))[0]
        await documents.add(services, session, user_id, collection.id, arrivals)
        await session.refresh(assistant)
        rows = await file_queries.documents_of(session, [collection.id])
    return show_assistant(request, assistant, rows)


@delete("/{assistant_id:int}/")
async def delete_assistant(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> None:
    """Delete an assistant, its chats, and its own documents."""
    unused: list[bytes] = []
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        collections = await queries.collections_of(session, assistant.id)
        await queries.delete_assistant(session, assistant.id)
        for collection in collections:
            if await queries.is_collection_shared(session, collection.id):
                continue
            for document, _ in await file_queries.documents_of(session, [collection.id]):
                digest = await documents.remove(session, document)
                unused += [digest] if digest else []
            await queries.delete_collection(session, collection.id)
    for digest in unused:
        await services.storage.delete(digest)


def show_assistant(
    request: ApiRequest, assistant: Assistant, rows: Sequence[DocumentRow]
) -> AssistantOut:
    """The assistant object of the contract; `files` is the newest document's address."""
    newest = max((document.id for document, _ in rows), default=None)
    return AssistantOut(
        id=assistant.id,
        openai_id=assistant.openai_id,
        absolute_url=assistant_url(request, assistant.id),
        name=assistant.name,
        company_name=assistant.company_name,
        instructions=assistant.instructions,
        created_at=assistant.created_at,
        updated_at=assistant.updated_at,
        query_count=assistant.query_count,
        files=document_url(request, assistant.id, newest) if newest is not None else None,
        documents=[show_document(request, assistant.id, row) for row in rows],
    )


def router() -> Router:
    """The routes of this feature."""
    handlers: list[Any] = [
        list_assistants,
        create_assistant,
        get_assistant,
        change_assistant,
        delete_assistant,
    ]
    return Router(
        "/assistants", route_handlers=handlers, guards=[require_user], tags=["assistants"]
    )
