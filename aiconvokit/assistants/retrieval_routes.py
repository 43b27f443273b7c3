"""`/assistants/{id}/retrieval/`: the language that documents are searched in, and the glossary."""

from typing import Any

from litestar import Router, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.auth import require_user
from aiconvokit.assistants import access, queries
from aiconvokit.assistants.schemas import GlossaryEntry, RetrievalOut, RetrievalUpdate
from aiconvokit.assistants.tables import Assistant
from aiconvokit.files import queries as file_queries
from aiconvokit.files.language_change import queue_language
from aiconvokit.rest.body import ApiRequest, read_body
from aiconvokit.rest.fields import read_fields
from aiconvokit.rest.objects import read_object
from aiconvokit.rest.openapi import describe
from aiconvokit.retrieval.glossary import check_glossary, entries_of
from aiconvokit.services import Services
from ingestion.language import CONFIGURATIONS


class _Chosen(Struct):
    """What is left of the body when the glossary is read."""

    language: str | None = None


@get("/retrieval/", operation_class=describe(errors=(403,)))
async def get_retrieval(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> RetrievalOut:
    """How an assistant searches its documents."""
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        return await _show(session, assistant)


@put("/retrieval/", operation_class=describe(RetrievalUpdate, errors=(403,)))
async def change_retrieval(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[int],
) -> RetrievalOut:
    """Change the language or the glossary; what is not given stays, null is the server's choice."""
    async with services.sessions.begin() as session:
        await access.to_change(services, session, user_id, assistant_id)
    body = await read_body(request, services.settings.limits)
    glossary, wanted = read_object(
        body,
        "glossary",
        check_glossary,
        lambda rest: read_fields(rest, _Chosen, {"language": _check_language}),
    )
    async with services.sessions.begin() as session:
        assistant = await access.to_change(services, session, user_id, assistant_id)
        await access.hold(session, assistant_id, "change")
        if "glossary" in body.values:
            await queries.set_glossary(session, assistant_id, glossary)
            await session.refresh(assistant)
        if "language" in body.values:
            await _change_language(services, session, assistant_id, wanted.language)
        return await _show(session, assistant)


async def _change_language(
    services: Services, session: AsyncSession, assistant_id: int, language: str | None
) -> None:
    collection = await queries.own_collection(session, assistant_id)
    changing = await file_queries.is_language_changing(session, collection.id)
    if changing or language is None or language != collection.language:
        await queue_language(services, session, collection.id, language)


def _check_language(language: str | None) -> list[str]:
    if language is None or language in CONFIGURATIONS:
        return []
    return [f'"{language}" is not a valid choice.']


async def _show(session: AsyncSession, assistant: Assistant) -> RetrievalOut:
    own = await queries.find_own_collection(session, assistant.id)
    changing = own is not None and await file_queries.is_language_changing(session, own.id)
    entries = entries_of(assistant.glossary)
    return RetrievalOut(
        language=own.language if own else None,
        language_changing=changing,
        glossary_source="built_in" if assistant.glossary is None else "owner",
        glossary=[GlossaryEntry(list(one.says), list(one.means)) for one in entries],
        languages=list(CONFIGURATIONS),
    )


def router() -> Router:
    """The routes of an assistant's retrieval settings."""
    handlers: list[Any] = [get_retrieval, change_retrieval]
    return Router(
        "/assistants/{assistant_id:int}",
        route_handlers=handlers,
        guards=[require_user],
        tags=["assistants"],
    )
