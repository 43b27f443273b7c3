"""`/v1/responses`: asked, whole or piece by piece or in the background; read again; deleted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import deletions
from aiconvokit.accounts.deletions import Removed
from aiconvokit.accounts.idempotency import REPLAYED, Attempt, Once
from aiconvokit.accounts.streams import answering
from aiconvokit.chat.answer import Event
from aiconvokit.chat.turn import Along, Done, StoredTurn
from aiconvokit.db import Transaction
from aiconvokit.errors import BadRequest, InvalidFields
from aiconvokit.openai_api import repeats
from aiconvokit.openai_api.bodies import NoBody
from aiconvokit.openai_api.cursors import CURSOR, POLL, Page, page, read_cursor
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.responses import queries
from aiconvokit.openai_api.responses.again import listening_again
from aiconvokit.openai_api.responses.asking import own_response, prepare
from aiconvokit.openai_api.responses.beginning import Begun, begin
from aiconvokit.openai_api.responses.body import INCLUDE, NewResponse, included, wants_results
from aiconvokit.openai_api.responses.events import Teller
from aiconvokit.openai_api.responses.schemas import ItemOut, ResponseDeleted, ResponseOut
from aiconvokit.openai_api.responses.show import ACTIVE, show, show_items, standing
from aiconvokit.openai_api.responses.work import (
    as_begun,
    calls_along,
    events_of,
    forget,
    listening,
    outcome,
    remove,
)
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.again import until_ended
from aiconvokit.openai_api.runs.routes import ELSEWHERE_SECONDS, LOOK_SECONDS
from aiconvokit.openai_api.runs.work import Runs
from aiconvokit.openai_api.tables import Run
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.lists import query_value
from aiconvokit.rest.openapi import MODEL_ERRORS, describe
from aiconvokit.rest.sse import Announced, EventStream, while_listening
from aiconvokit.services import Services

_READ: dict[str, dict[str, Any]] = {
    **INCLUDE,
    "stream": {"type": "boolean"},
    "starting_after": {"type": "integer", "minimum": 0},
}


@post(
    "/responses",
    status_code=200,
    operation_class=describe(
        NewResponse, errors=(404, *repeats.ERRORS, *MODEL_ERRORS), events=True
    ),
    partly="tools are file_search and functions; only text is read and written; sampling, "
    "reasoning and truncation are kept and shown, but no model is told of them",
)
async def create_response(
    request: ApiRequest,
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    once: NamedDependency[Once],
) -> Response[ResponseOut]:
    """Answer a question, from what was said before and from documents."""
    wanted, attempt = await repeats.read(request, services, once, NewResponse)
    results = wants_results(wanted.include or ())
    if (made := repeats.made(attempt)) is not None:
        return await _again(
            request, services, user_id, made.id, streams=wanted.stream is True, results=results
        )
    if wanted.background:
        return await _in_background(request, runs, user_id, wanted, attempt)
    work = _work(request, services, user_id, wanted, attempt)
    if wanted.stream:
        begun = cast("Begun", await while_listening(request, anext(work)))
        events = cast("AsyncGenerator[Event]", work)
        teller = Teller(listening(request, begun, events, with_results=results))
        return EventStream(teller.told(), teller.cut_off)
    return Response(await while_listening(request, _whole(work, with_results=results)))


async def _work(
    request: ApiRequest, services: Services, user_id: int, wanted: NewResponse, attempt: Attempt
) -> AsyncGenerator[Begun | Event]:
    """A response once it has begun, and what happens in it.

    One that fails while nobody knows its id is undone.
    """
    async with attempt, answering(request, services, user_id):
        begun = await begin(await prepare(services, user_id, wanted))
        try:
            yield begun
            async with aclosing(events_of(begun, _kept_by(attempt, begun.run))) as events:
                async for event in events:
                    yield event
        except BaseException:
            if not wanted.stream:
                await asyncio.shield(forget(begun))
            raise


def _kept_by(attempt: Attempt, run: Run) -> Along | None:
    """What keeps a response for who sends the request again."""

    async def keep(transaction: Transaction, _: Done) -> None:
        await repeats.keep_in(transaction, attempt, Made(run.public_id))

    return keep if attempt.has_key else None


async def _whole(work: AsyncGenerator[Begun | Event], *, with_results: bool) -> ResponseOut:
    async with aclosing(work):
        begun = cast("Begun", await anext(work))
        async for _ in work:
            pass  # it is in the response
        return await outcome(begun, with_results=with_results)


async def _in_background(
    request: ApiRequest, runs: Runs, user_id: int, wanted: NewResponse, attempt: Attempt
) -> Response[Any]:
    """Begin a response that goes on whoever listens."""
    services = runs.services

    async def keep(transaction: Transaction, run: Run) -> None:
        await repeats.keep_in(transaction, attempt, Made(run.public_id))

    async with AsyncExitStack() as place:
        async with attempt:
            await place.enter_async_context(answering(request, services, user_id))
            begun = await begin(await prepare(services, user_id, wanted), keep)
        left = place.pop_all()
    run_id, turn = begun.run.public_id, cast("StoredTurn", begun.turn)
    runs.start(run_id, turn, left, calls_along(begun))
    if not wanted.stream:
        return Response(as_begun(begun, "queued"), headers=POLL)
    results = wants_results(wanted.include or ())
    teller = Teller(listening(request, begun, runs.events(run_id), with_results=results))
    return EventStream(teller.told(), teller.cut_off)


async def _again(
    request: ApiRequest,
    services: Services,
    user_id: int,
    response_id: str,
    *,
    streams: bool,
    results: bool,
) -> Response[Any]:
    """Answer a request that was sent again with the response that the first one made."""
    async with services.sessions() as session:
        row = await own_response(session, user_id, response_id)
        shown = await show(session, row, with_results=results)
    if not streams:
        return Response(shown, headers=REPLAYED)
    teller = Teller(listening_again(request, services, row, with_results=results))
    return EventStream(Announced(teller.told(), REPLAYED), teller.cut_off)


@get(
    "/responses/{response_id:str}",
    operation_class=describe(query=_READ, events=True),
    partly="a stream begins anew and is told as one piece; starting_after is refused",
)
async def get_response(
    request: ApiRequest,
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    response_id: FromPath[str],
) -> Response[ResponseOut]:
    """One stored response and how it stands."""
    results, streams = wants_results(included(request)), query_value(request, "stream") == "true"
    if query_value(request, "starting_after"):
        raise InvalidFields({"starting_after": ["a stream cannot be gone on with: leave it out."]})
    async with services.sessions() as session:
        row = await own_response(session, user_id, response_id)
        shown = await show(session, row, with_results=results)
    if not streams:
        return Response(shown, headers=POLL)
    teller = Teller(listening_again(request, services, row, with_results=results))
    return EventStream(teller.told(), teller.cut_off)


@delete("/responses/{response_id:str}", status_code=200)
async def delete_response(
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    response_id: FromPath[str],
) -> ResponseDeleted:
    """Delete a response with its question; in a conversation both stay."""
    removed = Removed()
    async with services.sessions.begin() as session:
        row = await own_response(session, user_id, response_id)
        await remove(session, row, removed)
        thread_id = row.thread.id
        await deletions.keep(session, user_id, "thread", thread_id, removed, public_id=response_id)
    await runs.cancel(response_id)  # nobody is left to read it
    return ResponseDeleted(response_id)


@post(
    "/responses/{response_id:str}/cancel",
    status_code=200,
    operation_class=describe(NoBody),
)
async def cancel_response(
    services: NamedDependency[Services],
    runs: NamedDependency[Runs],
    user_id: NamedDependency[int],
    response_id: FromPath[str],
) -> ResponseOut:
    """Stop a response in the background; what it said until then stays."""
    async with services.sessions.begin() as session:
        row = await own_response(session, user_id, response_id)
        if not row.run.parameters["shown"]["background"]:
            raise BadRequest("Cannot cancel a synchronous response.")
        is_active = standing(row.run, row.answer).status in ACTIVE
        if is_active:
            await run_queries.note_cancelled(session, row.run.id)
    if is_active and not await runs.cancel(response_id):
        try:  # another process has it
            async with asyncio.timeout(ELSEWHERE_SECONDS):
                await until_ended(services, row.thread, row.run, LOOK_SECONDS)
        except TimeoutError:
            async with services.sessions.begin() as session:
                await run_queries.interrupt(session, row.run)
    async with services.sessions() as session:
        row = await own_response(session, user_id, response_id)
        return await show(session, row, with_results=False)


@get(
    "/responses/{response_id:str}/input_items",
    operation_class=describe(query={**CURSOR, **INCLUDE}),
)
async def list_input_items(
    request: ApiRequest,
    session: NamedDependency[AsyncSession],
    user_id: NamedDependency[int],
    response_id: FromPath[str],
) -> Page[ItemOut]:
    """What came in with a response, newest first; not what it went on from."""
    wanted = read_cursor(request)
    row = await own_response(session, user_id, response_id)
    found = await queries.page_of_items(session, user_id, row, wanted)
    shown = await show_items(session, [one[0] for one in found.rows])
    return page(shown, has_more=found.has_more)


HANDLERS: list[Any] = [
    create_response,
    get_response,
    delete_response,
    cancel_response,
    list_input_items,
]
