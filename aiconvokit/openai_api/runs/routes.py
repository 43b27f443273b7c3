"""`/threads/{id}/runs`: an assistant answers in a thread, waited for or told piece by piece."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Thread
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.errors import BadRequest
from aiconvokit.openai_api import bodies, lookup, tools
from aiconvokit.openai_api.bodies import Metadata, NoBody
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.messages import work as messages
from aiconvokit.openai_api.runs import asking as run_asking
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.asking import Begun, NewRun
from aiconvokit.openai_api.runs.events import STOPPED, Listening, told
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.show import ACTIVE, RunOut, show_run, standing
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.threads import vector_store
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.fields import JsonBody
from aiconvokit.rest.openapi import describe
from aiconvokit.rest.sse import EventStream, event
from aiconvokit.services import Services

ADDITIONAL = "additional_messages"


class RunUpdate(JsonBody):
    """What of a run can be changed."""

    metadata: Metadata | UnsetType | None = UNSET


@post(
    "/threads/{thread_id:str}/runs",
    status_code=200,
    operation_class=describe(NewRun, errors=(409,), events=True),
    partly="temperature, top_p and response_format are kept, but no model is told of them; "
    "the configured model answers, whatever name is given",
)
async def create_run(
    request: ApiRequest,
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
) -> Response[RunOut]:
    """Let an assistant answer what the thread's user said last."""
    async with services.sessions() as session:  # that there is no thread is said first
        thread = await lookup.thread(session, user_id, thread_id)
    wanted = await bodies.read(request, services, NewRun)
    begun = await begin(services, user_id, thread, wanted)
    return await answered(request, runs, thread, begun, streams=wanted.stream is True)


async def begin(services: Services, user_id: int, thread: Thread, wanted: NewRun) -> Begun:
    """Begin a run in a thread, with the messages that come with it.

    Files that come with them stay in the thread's vector store even where the thread is busy.
    """
    said = checked(wanted)
    named = [one["file_id"] for saying in said for one in saying.attachments or ()]
    async with services.sessions.begin() as session:
        assistant = await lookup.assistant_to_ask(services, session, user_id, wanted.assistant_id)
        if named:
            files = await lookup.files(session, user_id, named)
            await vector_store.put_files(services, session, thread, files)
    return await run_asking.begin(services, user_id, thread, assistant, wanted, said)


def checked(wanted: NewRun) -> list[Saying]:
    """The messages that come with a run, once all is checked that needs no database.

    Raises:
        InvalidFields: a message or a tool is not read here.
    """
    tools.checked(wanted.tools or [])
    tools.check_choice(wanted.tool_choice)
    return messages.sayings(wanted.additional_messages or [], ADDITIONAL)


async def answered(
    request: ApiRequest,
    runs: Runs,
    thread: Thread,
    begun: Begun,
    *,
    streams: bool,
    made: Struct | None = None,
) -> Response[Any]:
    """Set a run to work and answer with it, or with what happens in it.

    `made` is the thread, where it was made for the run.
    """
    run = begun.run
    runs.start(run.public_id, begun.turn)
    if streams:
        first = [event("thread.created", made)] if made is not None else []
        listening = Listening(request, runs.services, thread, begun, runs.events(run.public_id))
        return EventStream(told(listening, first), STOPPED)
    async with runs.services.sessions() as session:
        row = await _row(session, thread, run.public_id)
    return Response(_show(thread, row), headers=POLL)


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
    return Response(_show(thread, await _row(session, thread, run_id)), headers=POLL)


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
        await _row(session, thread, run_id)
    wanted = await bodies.read(request, services, RunUpdate)
    async with services.sessions.begin() as session:
        row = await _row(session, thread, run_id)
        if not isinstance(wanted.metadata, UnsetType):
            await run_queries.set_metadata(session, row.run.id, wanted.metadata or {})
        return _show(thread, await _row(session, thread, run_id))


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
        row = await _row(session, thread, run_id)
        status = standing(row.run, row.answer).status
        if status not in ACTIVE:
            raise BadRequest(f"Cannot cancel run with status '{status}'.")
        await run_queries.note_cancelled(session, row.run.id)
    if not await runs.cancel(run_id):
        async with services.sessions.begin() as session:
            await run_queries.interrupt(session, row.run)
    async with services.sessions() as session:
        return _show(thread, await _row(session, thread, run_id))


@post(
    "/threads/{thread_id:str}/runs/{run_id:str}/submit_tool_outputs",
    status_code=200,
    operation_class=describe(NoBody),
    partly="a 400, as functions are not offered",
)
async def submit_tool_outputs(
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> RunOut:
    """Refused: no run waits for the outputs of functions."""
    thread = await lookup.thread(session, user_id, thread_id)
    row = await _row(session, thread, run_id)
    status = standing(row.run, row.answer).status
    raise BadRequest(f"Runs in status '{status}' do not accept tool outputs.")


async def _row(session: AsyncSession, thread: Thread, run_id: str) -> RunRow:
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
    submit_tool_outputs,
]
