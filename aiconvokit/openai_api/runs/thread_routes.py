"""`/threads/runs`: a thread is made and an assistant answers in it, with one call."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from litestar import Response, post
from litestar.di import NamedDependency

from aiconvokit.accounts.idempotency import Attempt, Once
from aiconvokit.accounts.streams import answering
from aiconvokit.chat.queries import delete_threads
from aiconvokit.chat.tables import Thread
from aiconvokit.chat.thread_turn import NOTHING_ASKED
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.errors import BadRequest
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.messages import work as messages
from aiconvokit.openai_api.runs.asking import Asking, Begun, NewRun, tools_for
from aiconvokit.openai_api.runs.routes import answered, answered_again, begin, checked
from aiconvokit.openai_api.runs.show import RunOut
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.threads import work as threads
from aiconvokit.openai_api.threads.work import MESSAGES as SAID
from aiconvokit.openai_api.threads.work import NewThread, ThreadOut
from aiconvokit.openai_api.tool_resources import ThreadResources
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openapi import describe
from aiconvokit.services import Services


class NewThreadRun(NewRun):
    """A run and the thread that is made for it."""

    thread: NewThread | None = None
    tool_resources: ThreadResources | None = None


@post(
    "/threads/runs",
    status_code=200,
    operation_class=describe(NewThreadRun, errors=(403, 404, *repeats.ERRORS), events=True),
    partly="as POST /v1/threads/{thread_id}/runs; tool_resources become the thread's",
)
async def create_thread_and_run(
    request: ApiRequest,
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[RunOut]:
    """Make a thread and let an assistant answer in it."""
    wanted, attempt = await repeats.read(request, services, once, NewThreadRun)
    streams = wanted.stream is True
    if (made := repeats.made(attempt)) is not None:
        async with services.sessions() as session:
            thread = await lookup.thread(session, user_id, made.thread_id or "")
            shown = await threads.show_thread(session, thread)
        return await answered_again(request, services, thread, made.id, streams=streams, made=shown)
    async with AsyncExitStack() as place:
        async with attempt:
            await place.enter_async_context(answering(request, services, user_id))
            thread, shown, begun = await _begun(services, user_id, wanted, attempt)
        begun = replace(begun, place=place.pop_all())
    return answered(request, runs, thread, begun, streams=streams, made=shown)


async def _begun(
    services: Services, user_id: int, wanted: NewThreadRun, attempt: Attempt
) -> tuple[Thread, ThreadOut, Begun]:
    new = wanted.thread or NewThread()
    if new.tool_resources is None:
        new.tool_resources = wanted.tool_resources
    async with services.sessions.begin() as session:
        assistant = await lookup.assistant_to_ask(services, session, user_id, wanted.assistant_id)
        _ensure_asked([*messages.sayings(new.messages or [], f"thread.{SAID}"), *checked(wanted)])
        tools_for(services, assistant, wanted)
        thread = await threads.make(services, session, user_id, new)
        shown = await threads.show_thread(session, thread)
    try:
        begun = await begin(services, Asking(user_id, thread, wanted, attempt))
    except Exception:  # what it was to read was deleted meanwhile, say
        async with services.sessions.begin() as session:
            await delete_threads(session, [thread.id])
        raise
    return thread, shown, begun


def _ensure_asked(said: Sequence[Saying]) -> None:
    """Raise where there is nothing to answer, before anything is made."""
    if not said or said[-1].role != "user":
        raise BadRequest(NOTHING_ASKED)


HANDLERS: list[Any] = [create_thread_and_run]
