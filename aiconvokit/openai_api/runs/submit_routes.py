"""`/threads/{id}/runs/{id}/submit_tool_outputs`: a run that waits for functions goes on."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from aiconvokit.accounts.idempotency import REPLAYED, Once
from aiconvokit.accounts.streams import answering
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.tables import Thread
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.cursors import POLL
from aiconvokit.openai_api.runs import submitting
from aiconvokit.openai_api.runs.again import events_of
from aiconvokit.openai_api.runs.events import Listening, cut_off, told
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.routes import answered, find
from aiconvokit.openai_api.runs.show import RunOut, show_run
from aiconvokit.openai_api.runs.submitting import Outputs
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.rest.sse import Announced, EventStream


@post(
    "/threads/{thread_id:str}/runs/{run_id:str}/submit_tool_outputs",
    status_code=200,
    operation_class=describe(Outputs, errors=(403, *repeats.ERRORS), events=True),
)
async def submit_tool_outputs(
    request: ApiRequest,
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
    thread_id: FromPath[str],
    run_id: FromPath[str],
) -> Response[RunOut]:
    """Tell a run that waits what its calls of functions came to, all of them; it goes on."""
    services = runs.services
    async with services.sessions() as session:  # that there is no run is said first
        thread = await lookup.thread(session, user_id, thread_id)
        await find(session, thread, run_id)
    wanted, attempt = await repeats.read(request, services, once, Outputs)
    streams = wanted.stream is True
    async with AsyncExitStack() as place:
        async with attempt:
            async with services.sessions() as session:
                row = await find(session, thread, run_id)
            if repeats.made(attempt) is not None:
                return _again(request, runs, thread, row, streams=streams)
            await place.enter_async_context(answering(request, services, user_id))
            begun = await submitting.go_on(services, user_id, thread, row, (wanted, attempt))
        begun = replace(begun, place=place.pop_all())
    return answered(request, runs, thread, begun, streams=streams)


def _again(
    request: ApiRequest, runs: Runs, thread: Thread, row: RunRow, *, streams: bool
) -> Response[Any]:
    """Answer a request that was sent again with the run as it is now."""
    run, answer = row
    if not streams:
        shown = show_run(run, thread.public_id, answer)
        return Response(shown, headers={**POLL, **REPLAYED})
    events = events_of(runs.services, thread, run)
    listening = Listening(request, runs.services, thread, run, Trace(), events, goes_on=True)
    return EventStream(Announced(told(listening), REPLAYED), cut_off)


HANDLERS: list[Any] = [submit_tool_outputs]
