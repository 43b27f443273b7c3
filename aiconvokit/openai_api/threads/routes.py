"""`/v1/threads`."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import Once
from aiconvokit.chat.removal import remove_thread
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.bodies import read
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.threads import queries as threads_queries
from aiconvokit.openai_api.threads import work as threads
from aiconvokit.openai_api.threads.work import (
    NewThread,
    ThreadDeleted,
    ThreadOut,
    ThreadUpdate,
    show_thread,
)
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services

PARTLY = "files are for file_search alone, and images are not read"


@post(
    "/threads",
    status_code=200,
    operation_class=describe(NewThread, errors=(403, 404, *repeats.ERRORS)),
    partly=PARTLY,
)
async def create_thread(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[ThreadOut]:
    """Make a thread, empty or with what was said before."""
    wanted, attempt = await repeats.read(request, services, once, NewThread)
    async with attempt, services.sessions.begin() as session:
        if (made := repeats.made(attempt)) is not None:
            thread = await lookup.thread(session, user_id, made.id)
        else:
            thread = await threads.make(services, session, user_id, wanted)
            await repeats.keep(attempt, session, Made(thread.public_id))
        shown = await show_thread(session, thread)
    return repeats.answer(attempt, shown)


@get("/threads/{thread_id:str}")
async def get_thread(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> ThreadOut:
    """One thread, also one that was begun as a chat."""
    return await show_thread(session, await lookup.thread(session, user_id, thread_id))


@post(
    "/threads/{thread_id:str}",
    status_code=200,
    operation_class=describe(ThreadUpdate, errors=(403,)),
    partly=PARTLY,
)
async def change_thread(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> ThreadOut:
    """Change a thread's metadata or vector store; what is not given stays."""
    async with services.sessions() as session:
        await lookup.thread(session, user_id, thread_id)
    wanted = await read(request, services, ThreadUpdate)
    async with services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        await threads.change(services, session, thread, wanted)
        return await show_thread(session, thread)


@delete("/threads/{thread_id:str}", status_code=200)
async def delete_thread(
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> ThreadDeleted:
    """Delete a thread with its chat, its messages and its runs; its vector store stays."""
    removed = Removed()
    async with services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        held = await threads_queries.hold(session, thread.id)
        await remove_thread(session, thread, removed)
        await deletions.keep(session, user_id, "thread", thread.id, removed, public_id=thread_id)
    if held is not None and held.run_id is not None:
        await runs.cancel(held.run_id)  # nobody is left to read it
    return ThreadDeleted(thread_id)


HANDLERS: list[Any] = [create_thread, get_thread, change_thread, delete_thread]
