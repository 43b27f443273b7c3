"""`/assistants/`: the documented calls, and deletion."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import audit, deletions, quotas
from aiconvokit.accounts.auth import require_user
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.assistants import access, queries
from aiconvokit.assistants.removal import clean_up, remove_assistant
from aiconvokit.assistants.schemas import AssistantOut, AssistantUpdate, NewAssistant
from aiconvokit.assistants.tables import Assistant
from aiconvokit.files import documents
from aiconvokit.files import queries as file_queries
from aiconvokit.files.documents import Incoming
from aiconvokit.files.queries import DocumentRow
from aiconvokit.files.show import show_document
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_with_files, stamp
from aiconvokit.rest.lists import answer, window
from aiconvokit.rest.openapi import LIST, describe
from aiconvokit.rest.urls import assistant_url, document_url
from aiconvokit.services import Services
from ingestion.store import driver_connection


@get("/", operation_class=describe(query=LIST))
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
    read = await queries.collection_ids_of(session, [assistant.id for assistant in found])
    by_collection: dict[int, list[DocumentRow]] = {}
    collection_ids = {one for some in read.values() for one in some}
    for row in await file_queries.documents_of(session, sorted(collection_ids)):
        by_collection.setdefault(row.document.collection_id, []).append(row)

    def show(assistant: Assistant) -> AssistantOut:
        ids = read.get(assistant.id, [])
        rows = [row for one in ids for row in by_collection.get(one, [])]
        rows.sort(key=lambda row: row.document.id)
        return show_assistant(request, assistant, rows)

    return answer(request, found, show, wanted)


@post("/", operation_class=describe(NewAssistant, files=True, errors=(403, 409, 422)))
async def create_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[AssistantOut]:
    """Make an assistant; files are read by the worker and become searchable one by one."""
    body = await read_body(request, services.settings.limits)
    wanted, files = read_with_files(body, NewAssistant)
    attempt = await once.take(body)
    if attempt.stored is not None:
        return attempt.stored.response()
    async with (
        attempt,
        documents.received(services, [Incoming.of(one) for one in files]) as intake,
        services.sessions.begin() as session,
    ):
        async with quotas.kept(services, session, user_id):
            assistant = await queries.insert_assistant(session, user_id, wanted)
            await audit.note(session, "assistant.created", "assistant", assistant.id)
            collection = await queries.own_collection(session, assistant.id)
            await documents.add_within_quota(services, session, user_id, collection.id, intake)
        rows = await file_queries.documents_of(session, [collection.id])
        shown = show_assistant(request, assistant, rows)
        transaction = await driver_connection(session)
        return await attempt.keep(transaction, shown, assistant_id=assistant.id)


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
    rows = await _documents(session, assistant.id)
    return show_assistant(request, assistant, rows)


@put(
    "/{assistant_id:int}/",
    operation_class=describe(AssistantUpdate, files=True, errors=(403,)),
)
async def change_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> AssistantOut:
    """Change an assistant's words and add documents; a known filename replaces that document."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
    body = await read_body(request, services.settings.limits)
    wanted, files = read_with_files(body, AssistantUpdate)
    async with (
        documents.received(services, [Incoming.of(one) for one in files]) as intake,
        services.sessions.begin() as session,
    ):
        assistant = await access.to_change(services, session, user_id, assistant_id)
        await access.hold(session, assistant_id, "change")
        await queries.update_assistant(session, assistant.id, wanted)
        if intake.arrivals:
            collection = await queries.own_collection(session, assistant_id)
            await documents.add_within_quota(services, session, user_id, collection.id, intake)
            await queries.read_uploads(session, assistant_id)
        await session.refresh(assistant)
        rows = await _documents(session, assistant_id)
    return show_assistant(request, assistant, rows)


@delete("/{assistant_id:int}/", operation_class=describe(errors=(403,)))
async def delete_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> Response[None]:
    """Delete an assistant, its chats, and its own documents."""
    removed = Removed()
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        public_id = assistant.openai_id
        unused = await remove_assistant(session, assistant_id, removed)
        deletion = await deletions.keep(
            session, user_id, "assistant", assistant_id, removed, public_id=public_id
        )
    await clean_up(services, removed, unused)
    return deletions.answer(request, deletion)


async def _documents(session: AsyncSession, assistant_id: int) -> Sequence[DocumentRow]:
    """All that an assistant reads, oldest first."""
    ids = [one.id for one in await queries.collections_of(session, assistant_id)]
    return await file_queries.documents_of(session, ids)


def show_assistant(
    request: ApiRequest, assistant: Assistant, rows: Sequence[DocumentRow]
) -> AssistantOut:
    """The assistant object of the contract; `files` is the newest document's address."""
    newest = max((row.document.id for row in rows), default=None)
    return AssistantOut(
        id=assistant.id,
        openai_id=assistant.openai_id,
        absolute_url=assistant_url(request, assistant.id),
        name=assistant.name,
        company_name=assistant.company_name,
        instructions=assistant.instructions,
        created_at=stamp(assistant.created_at),
        updated_at=stamp(assistant.updated_at),
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
