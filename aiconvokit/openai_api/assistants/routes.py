"""`/v1/assistants`."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions, quotas
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.assistants import access
from aiconvokit.assistants.removal import clean_up, remove_assistant_alone
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.assistants import queries
from aiconvokit.openai_api.assistants import work as assistants
from aiconvokit.openai_api.assistants.work import (
    AssistantDeleted,
    AssistantOut,
    AssistantUpdate,
    NewAssistant,
    show_assistants,
)
from aiconvokit.openai_api.bodies import read
from aiconvokit.openai_api.cursors import CURSOR, Page, page, read_cursor
from aiconvokit.openai_api.repeats import Made
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

PARTLY = (
    "no code_interpreter; model, temperature, top_p, response_format and reasoning_effort"
    " are kept and shown, and the server's own model answers"
)


@post(
    "/assistants",
    status_code=200,
    operation_class=describe(NewAssistant, errors=(403, 404, *repeats.ERRORS)),
    partly=PARTLY,
)
async def create_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[AssistantOut]:
    """Make an assistant, which reads the vector stores that it names."""
    wanted, attempt = await repeats.read(request, services, once, NewAssistant)
    async with attempt, services.sessions.begin() as session:
        if (made := repeats.made(attempt)) is not None:
            assistant = await lookup.assistant_to_ask(services, session, user_id, made.id)
        else:
            async with quotas.kept(services, session, user_id):
                assistant = await assistants.make(services, session, user_id, wanted)
            await repeats.keep(attempt, session, Made(assistant.openai_id))
        shown = (await show_assistants(services, session, [assistant]))[0]
    return repeats.answer(attempt, shown)


@get("/assistants", operation_class=describe(query=CURSOR))
async def list_assistants(
    request: ApiRequest,
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
) -> Page[AssistantOut]:
    """Assistants that one may ask, newest first."""
    shared = services.settings.shared_assistants
    found = await queries.page_of(session, user_id, read_cursor(request), shared=shared)
    shown = await show_assistants(services, session, [row[0] for row in found.rows])
    return page(shown, has_more=found.has_more)


@get("/assistants/{assistant_id:str}")
async def get_assistant(
    services: NamedDependency[Services],
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    assistant_id: FromPath[str],
) -> AssistantOut:
    """One assistant."""
    found = await lookup.assistant_to_ask(services, session, user_id, assistant_id)
    return (await show_assistants(services, session, [found]))[0]


@post(
    "/assistants/{assistant_id:str}",
    status_code=200,
    operation_class=describe(AssistantUpdate, errors=(403,)),
    partly=PARTLY,
)
async def change_assistant(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[str],
) -> AssistantOut:
    """Change an assistant; what is not given stays, and a list of vector stores is the whole."""
    async with services.sessions() as session:
        await lookup.assistant_to_change(services, session, user_id, assistant_id)
    wanted = await read(request, services, AssistantUpdate)
    async with services.sessions.begin() as session:
        found = await lookup.assistant_to_change(services, session, user_id, assistant_id)
        await access.hold(session, found.id, "change")
        await session.refresh(found)
        await assistants.change(services, session, found, wanted)
        return (await show_assistants(services, session, [found]))[0]


@delete("/assistants/{assistant_id:str}", status_code=200, operation_class=describe(errors=(403,)))
async def delete_assistant(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    assistant_id: FromPath[str],
) -> AssistantDeleted:
    """Delete an assistant by itself: threads and vector stores stay."""
    removed = Removed()
    async with services.sessions.begin() as session:
        found = await lookup.assistant_to_change(services, session, user_id, assistant_id)
        await remove_assistant_alone(session, found.id, removed)
        await deletions.keep(
            session, user_id, "assistant", found.id, removed, public_id=assistant_id
        )
    await clean_up(services, removed, [])
    return AssistantDeleted(assistant_id)


HANDLERS: list[Any] = [
    create_assistant,
    list_assistants,
    get_assistant,
    change_assistant,
    delete_assistant,
]
