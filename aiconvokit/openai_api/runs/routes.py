"""`/threads/{id}/runs`: an assistant answers in a thread, waited for or told piece by piece."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.idempotency import REPLAYED, Once
from aiconvokit.accounts.streams import answering
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.tables import Thread
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.errors import BadRequest
from aiconvokit.openai_api import bodies, lookup, repeats, tools
from aiconvokit.openai_api.bodies import Metadata, NoBody
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.messages import work as messages
from aiconvokit.openai_api.runs import asking as run_asking
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs import rounds_queries
from aiconvokit.openai_api.runs.again import events_of, until_ended
from aiconvokit.openai_api.runs.asking import Asking, Begun, NewRun
from aiconvokit.openai_api.runs.events import Listening, cut_off, told
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.rounds import keep_round, wait_of
from aiconvokit.openai_api.runs.show import (
    ACTIVE,
    WAITS,
    RunOut,
    show_begun,
    show_run,
    standing,
)
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.tables import Run
from aiconvokit.openai_api.threads import vector_store
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.openapi import describe
from aiconvokit.rest.sse import Announced, EventStream, event
from aiconvokit.services import Services

ADDITIONAL = "additional_messages"
ELSEWHERE_SECONDS, LOOK_SECONDS = 3.0, 0.1
"""How long, and how often, it is looked whether another process has ended a run: several times as
long as a living one needs, see `runs.work.WATCH_SECONDS`."""


class RunUpdate(JsonBody):
    """What of a run can be changed."""

    metadata: Metadata | UnsetType | None = UNSET


@post(
    "/threads/{thread_id:str}/runs",
    status_code=200,
    operation_class=describe(NewRun, errors=(403, *repeats.ERRORS), events=True),
    partly="temperature, top_p and response_format are kept, but no model is told of them; "
    "the configured model answers, whatever name is given",
)
async def create_run(
    request: ApiRequest,
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    thread_id: FromPath[str],
) -> Response[RunOut]:
    """Let an assistant answer what the thread's user said last."""
    async with services.sessions() as session:  # that there is no thread is said first
        thread = await lookup.thread(session, user_id, thread_id)
    wanted, attempt = await repeats.read(request, services, once, NewRun)
    streams = wanted.stream is True
    if (made := repeats.made(attempt)) is not None:
        return await answered_again(request, services, thread, made.id, streams=streams)
    async with AsyncExitStack() as place:
        async with attempt:
            await place.enter_async_context(answering(request, services, user_id))
            begun = await begin(services, Asking(user_id, thread, wanted, attempt))
        begun = replace(begun, place=place.pop_all())
    return answered(request, runs, thread, begun, streams=streams)


async def begin(services: Services, asking: Asking) -> Begun:
    """Begin a run in a thread, with the messages that come with it.

    Files that come with them go into the thread's vector store first, unless the thread is busy.
    """
    user_id, thread, wanted = asking.user_id, asking.thread, asking.wanted
    said = checked(wanted)
    named = [one["file_id"] for saying in said for one in saying.attachments or ()]
    async with services.sessions.begin() as session:
        assistant = await lookup.assistant_to_ask(services, session, user_id, wanted.assistant_id)
        run_asking.tools_for(services, assistant, wanted)
        if named:
            files = await lookup.files(session, user_id, named)
            await messages.hold_idle(session, thread)
            await vector_store.put_files(services, session, thread, files)
    return await run_asking.begin(services, asking, assistant, said)


def checked(wanted: NewRun) -> list[Saying]:
    """The messages that come with a run, once all is checked that needs no database.

    Raises:
        InvalidFields: a message or a tool is not read here.
    """
    tools.checked(wanted.tools or [])
    tools.check_choice(wanted.tool_choice)
    return messages.sayings(wanted.additional_messages or [], ADDITIONAL)


def answered(
    request: ApiRequest,
    runs: Runs,
    thread: Thread,
    begun: Begun,
    *,
    streams: bool,
    made: Struct | None = None,
) -> Response[Any]:
    """Set a run to work and answer with it, or with what happens in it.

    Nothing is asked of the database: whoever is told of an error would have a second run begun.

    `made` is the thread, where it was made for the run.
    """
    run = begun.run
    along = partial(keep_round, run.public_id)
    runs.start(run.public_id, begun.turn, begun.place, along)
    if streams:
        events = runs.events(run.public_id)
        listening = Listening(
            *(request, runs.services, thread, run, begun.turn.trace, events),
            goes_on=bool(begun.turn.rounds),
        )
        return EventStream(told(listening, _made_first(made)), cut_off)
    return Response(show_begun(run, thread.public_id), headers=POLL)


def _made_first(made: Struct | None) -> list[bytes]:
    return [event("thread.created", made)] if made is not None else []


async def answered_again(
    request: ApiRequest,
    services: Services,
    thread: Thread,
    run_id: str,
    *,
    streams: bool,
    made: Struct | None = None,
) -> Response[Any]:
    """Answer a request that was sent again with the run that the first one began.

    `made` is the thread as it is now, where it was made for the run.
    """
    async with services.sessions() as session:
        row = await find(session, thread, run_id)
    if not streams:
        return Response(_show(thread, row), headers={**POLL, **REPLAYED})
    events = events_of(services, thread, row.run)
    listening = Listening(request, services, thread, row.run, Trace(), events)
    return EventStream(Announced(told(listening, _made_first(made)), REPLAYED), cut_off)


@get("/threads/{thread_id:str}/runs", operation_class=describe(query=CURSOR))
async def list_runs(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> Page[RunOut]:
    """A thread's runs."""
    wanted = read_cursor(request)
    thread = await lookup.thread(session, user_id, thread_id)
    found = await run_queries.runs_of(session, user_id, thread.id, wanted)
    return page([_show(thread, row) for row in found.rows], has_more=found.has_more)


@get("/threads/{thread_id:str}/runs/{run_id:str}")
async def get_run(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> Response[RunOut]:
    """One run and how it stands."""
    thread = await lookup.thread(session, user_id, thread_id)
    return Response(_show(thread, await find(session, thread, run_id)), headers=POLL)


@post(
    "/threads/{thread_id:str}/runs/{run_id:str}",
    status_code=200,
    operation_class=describe(RunUpdate),
)
async def change_run(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> RunOut:
    """Replace what the owner keeps with a run."""
    async with services.sessions() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        await find(session, thread, run_id)
    wanted = await bodies.read(request, services, RunUpdate)
    async with services.sessions.begin() as session:
        row = await find(session, thread, run_id)
        if not isinstance(wanted.metadata, UnsetType):
            await run_queries.set_metadata(session, row.run.id, wanted.metadata or {})
        return _show(thread, await find(session, thread, run_id))


@post(
    "/threads/{thread_id:str}/runs/{run_id:str}/cancel",
    status_code=200,
    operation_class=describe(NoBody),
)
async def cancel_run(
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> RunOut:
    """Stop a run; what it said until then stays in the thread."""
    async with services.sessions.begin() as session:
        thread = await lookup.thread(session, user_id, thread_id)
        row = await find(session, thread, run_id)
        status = standing(row.run, row.answer).status
        if status not in {*ACTIVE, WAITS}:
            raise BadRequest(f"Cannot cancel run with status '{status}'.")
        has_waited = status == WAITS and await rounds_queries.cancel_waiting(session, row.run)
        if not has_waited:
            await run_queries.note_cancelled(session, row.run.id)
    if not has_waited and not await runs.cancel(run_id):
        await _cancelled_elsewhere(services, thread, row.run)
    async with services.sessions.begin() as session:
        row = await find(session, thread, run_id)
        if wait_of(row.run) is not None:  # it called functions just before it was to end
            await rounds_queries.cancel_waiting(session, row.run)
        return _show(thread, await find(session, thread, run_id))


async def _cancelled_elsewhere(services: Services, thread: Thread, run: Run) -> None:
    """Wait until the process that runs it has put away what it said; if none does, end it here."""
    try:
        async with asyncio.timeout(ELSEWHERE_SECONDS):
            await until_ended(services, thread, run, LOOK_SECONDS)
    except TimeoutError:
        async with services.sessions.begin() as session:
            await run_queries.interrupt(session, run)


async def find(session: AsyncSession, thread: Thread, run_id: str) -> RunRow:
    """A run of a thread.

    Raises:
        NotFound: there is none with that id.
    """
    row = await run_queries.run_of(session, thread.id, run_id)
    if row is None:
        raise lookup.unknown("run", run_id)
    return row


def _show(thread: Thread, row: RunRow) -> RunOut:
    return show_run(row.run, thread.public_id, row.answer)


HANDLERS: list[Any] = [
    create_run,
    list_runs,
    get_run,
    change_run,
    cancel_run,
]
