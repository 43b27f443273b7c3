"""A response in work: what happens in it, and what it comes to."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.deletions import Removed
from aiconvokit.chat.answer import Event, Started, answer, carry_on
from aiconvokit.chat.queries import delete_threads
from aiconvokit.chat.removal import remove_thread
from aiconvokit.chat.sources import find_sources
from aiconvokit.chat.telling import unstored
from aiconvokit.chat.turn import Along, Done, StoredTurn, count_answered, stored_citation
from aiconvokit.chat.turn_state import Turn
from aiconvokit.db import Transaction, in_transaction
from aiconvokit.errors import AIConvoKitError
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.responses import queries
from aiconvokit.openai_api.responses.asking import own_response
from aiconvokit.openai_api.responses.beginning import Begun
from aiconvokit.openai_api.responses.events import Listening
from aiconvokit.openai_api.responses.items import Call, row_of
from aiconvokit.openai_api.responses.queries import ResponseRow
from aiconvokit.openai_api.responses.schemas import (
    CallItem,
    ErrorOut,
    FoundOut,
    OutputItem,
    OutputText,
    ResponseOut,
    SearchItem,
    Status,
)
from aiconvokit.openai_api.responses.show import (
    Standing,
    annotations_of,
    call_id,
    conversation_id,
    ended,
    message_item,
    response,
    search_item,
    show,
    show_found,
    usage_of,
)
from aiconvokit.openai_api.runs.show import failure
from aiconvokit.openai_api.runs.steps import found_of
from aiconvokit.openai_api.runs.work import Ended
from aiconvokit.rest.body import ApiRequest

logger = logging.getLogger(__name__)


def events_of(begun: Begun, also: Along | None = None) -> AsyncGenerator[Event]:
    """What happens in a response; with its end `also` is stored.

    Closing the generator stops the model. What was said until then is stored, if anything is.

    Raises:
        AIConvoKitError: it failed; how is stored, if anything is.
    """
    if isinstance(begun.turn, StoredTurn):
        return carry_on(begun.services, begun.turn, calls_along(begun, also))
    return _unstored(begun)


def calls_along(begun: Begun, also: Along | None = None) -> Along:
    """What is stored with the end of a response: the calls of functions that it ends with."""

    async def store(transaction: Transaction, done: Done) -> None:
        rows = [
            row_of(Call.of(one), call_id(begun.run.public_id, number))
            for number, one in enumerate(done.calls)
        ]
        if rows:
            await queries.insert_items(transaction, begun.run.thread_id, rows)
            ids = [one.public_id for one in rows]
            await queries.note_output(transaction, begun.run.id, ids)
        if also is not None:
            await also(transaction, done)

    return store


async def _unstored(begun: Begun) -> AsyncGenerator[Event]:
    services, turn = begun.services, begun.turn
    with unstored(turn):
        sources = await find_sources(services, turn)
        yield Started(0, begun.message_id, len(sources or ()))
        async with aclosing(answer(services, turn, sources)) as events:
            async for event in events:
                yield event
        async with in_transaction(services.pool) as transaction:
            await count_answered(transaction, begun.user_id, turn)


async def outcome(
    begun: Begun, problem: AIConvoKitError | None = None, *, with_results: bool
) -> ResponseOut:
    """What a response came to.

    Args:
        begun: it; nothing happens in it any more.
        problem: why it failed, where it did.
        with_results: whether its search tells what it found.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    async with begun.services.sessions() as session:
        if begun.is_stored:
            row = await own_response(session, begun.user_id, begun.run.public_id)
            return await show(session, row, with_results=with_results)
        results = await results_of(session, begun.turn) if with_results else None
        cited = [stored_citation(one) for one in begun.turn.answer.proven.citations]
        file_ids = await file_ids_of(session, {one["document_id"] for one in cited})
    return _unstored_outcome(begun, problem, results, cited, file_ids)


def _unstored_outcome(
    begun: Begun,
    problem: AIConvoKitError | None,
    results: list[FoundOut] | None,
    cited: Sequence[Mapping[str, Any]],
    file_ids: Mapping[int, str],
) -> ResponseOut:
    said, response_id = begun.turn.answer, begun.run.public_id
    stands = ended(said.finish_reason, seconds(datetime.now(UTC)))
    if problem is not None:
        why = failure(problem.code)
        stands = Standing("failed", error=ErrorOut(why.code, why.message))
    output: list[OutputItem] = []
    if begun.run.parameters["searches"]:
        query, has_searched = query_of(begun.turn), begun.turn.trace.space is not None
        output.append(search_item(response_id, query, results, has_searched=has_searched))
    if text := said.proven.output:
        part = OutputText(text, annotations_of(text, cited, file_ids))
        output.append(message_item(begun.message_id, part, is_whole=stands.status == "completed"))
    output += [
        CallItem(call_id(response_id, number), "completed", one.id, one.name, one.arguments)
        for number, one in enumerate(said.calls)
    ]
    usage = usage_of(asdict(said.usage) if said.usage else None)
    return response(begun.run, stands, output, usage=usage, conversation=begun.conversation)


def as_begun(begun: Begun, status: Status = "in_progress") -> ResponseOut:
    """A response as it is told of at its beginning, whatever has become of it since."""
    stands = Standing(status)
    return response(begun.run, stands, [], usage=None, conversation=begun.conversation)


def listening(
    request: ApiRequest,
    begun: Begun,
    events: AsyncGenerator[Event | Ended],
    *,
    with_results: bool,
) -> Listening:
    """What is told of a response that has just begun."""
    return Listening(
        request=request,
        services=begun.services,
        begun=as_begun(begun),
        searches=begun.run.parameters["searches"],
        message_id=begun.message_id,
        found=partial(searched, begun, with_results=with_results),
        outcome=partial(outcome, begun, with_results=with_results),
        events=events,
    )


async def searched(begun: Begun, *, with_results: bool) -> SearchItem:
    """The search of a response that has just found what there is."""
    results = None
    if with_results:
        async with begun.services.sessions() as session:
            results = await results_of(session, begun.turn)
    query = query_of(begun.turn)
    return search_item(begun.run.public_id, query, results, has_searched=True)


def query_of(turn: Turn) -> str:
    """What was searched for."""
    return turn.trace.rewritten or turn.question


async def results_of(session: AsyncSession, turn: Turn) -> list[FoundOut]:
    """What a turn's search found."""
    found = [found_of(rank, one) for rank, one in enumerate(turn.trace.found, start=1)]
    texts = {rank: one.text for rank, one in enumerate(turn.trace.found, start=1)}
    return await show_found(session, found, texts)


async def forget(begun: Begun) -> None:
    """Undo a response that failed before anybody was told its id: as if it had not been asked."""
    if not begun.is_stored:
        return
    try:
        async with begun.services.sessions.begin() as session:
            await _forget(session, begun)
    except (SQLAlchemyError, TimeoutError) as error:  # why it failed is said all the same
        logger.warning("A failed response could not be undone: %s", type(error).__name__)


async def _forget(session: AsyncSession, begun: Begun) -> None:
    run = begun.run
    row = await queries.response_of(session, begun.user_id, run.public_id)
    if row is None or row.answer is None or row.answer.status in {"complete", "redacted"}:
        return  # its end was stored before somebody left
    if begun.conversation is None:
        await delete_threads(session, [run.thread_id])
        return
    await queries.delete_run(session, run.id)
    await queries.delete_new_chat(session, run)
    ids = [*run.parameters["input"], begun.message_id]
    await queries.delete_items(session, run.thread_id, ids)


async def remove(session: AsyncSession, row: ResponseRow, removed: Removed) -> None:
    """Delete a response in the caller's transaction; the items of a conversation stay there."""
    if conversation_id(row.thread.public_id) is not None:
        await queries.delete_run(session, row.run.id)
        return
    await remove_thread(session, row.thread, removed)
