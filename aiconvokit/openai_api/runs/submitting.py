"""What functions came to: read, checked, and the run that waits for it begun again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, NoReturn
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from aiconvokit.accounts.idempotency import Attempt
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.answer import ensure_offerable
from aiconvokit.chat.tables import Thread
from aiconvokit.chat.thread_turn import AskedInThread, GoingOn, go_on_in_thread
from aiconvokit.chat.turn import StoredTurn
from aiconvokit.db import Transaction
from aiconvokit.errors import BadRequest, InvalidFields
from aiconvokit.llm.calls import MOST_CALLS
from aiconvokit.openai_api import lookup, repeats
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs import rounds, rounds_queries
from aiconvokit.openai_api.runs.asking import Begun, Truncation, bounds_of, last_messages, searches
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.rounds import KeptRound
from aiconvokit.openai_api.runs.show import EXPIRES_SECONDS, WAITS, standing
from aiconvokit.openai_api.tables import Run
from aiconvokit.rest.fields import JsonBody, LongText
from aiconvokit.services import Services


class Output(Struct):
    """What one call came to; nothing is as good as an empty text."""

    tool_call_id: str
    output: LongText | None = None


class Outputs(JsonBody):
    """What all calls of a run came to."""

    tool_outputs: Annotated[list[Output], Meta(max_length=MOST_CALLS)]
    stream: bool | None = None


async def go_on(
    services: Services,
    user_id: int,
    thread: Thread,
    row: RunRow,
    submitted: tuple[Outputs, Attempt],
) -> Begun:
    """Store what the calls of a run came to, and take its thread, all or nothing.

    Args:
        services: the database.
        user_id: whose run it is.
        thread: its thread.
        row: the run, as it was found.
        submitted: what its client says, and how the request is kept from being done twice.

    Raises:
        BadRequest: the run waits for nothing.
        InvalidFields: a call is not answered, or one that it did not make.
        NotFound: the assistant was deleted meanwhile.
        UpstreamFailed: the model's server takes no functions any more.
    """
    run, answer = row
    wanted, attempt = submitted
    wait = rounds.wait_of(run)
    if standing(run, answer).status != WAITS or answer is None or wait is None:
        _refuse(row)
    *_, last = rounds.rounds_of(run)
    outputs = _in_order(last, wanted.tool_outputs)
    ensure_offerable(services)
    async with services.sessions() as session:
        assistant = await lookup.assistant_to_ask(services, session, user_id, run.assistant_id)
        kept = [one.said for one in rounds.rounds_of(run) if one.said is not None]
        said = await rounds_queries.said_in(session, kept)

    async def store(transaction: Transaction, _: StoredTurn) -> None:
        run.parameters = await rounds_queries.go_on(transaction, run.public_id, outputs)
        await repeats.keep_in(transaction, attempt, Made(run.public_id, thread.public_id))

    *earlier, newest = rounds.told_of(run, said)
    going_on = GoingOn(
        asked=_asked(user_id, thread, run, assistant),
        rounds=[*earlier, replace(newest, outputs=tuple(outputs))],
        held=UUID(wait.lease),
        first_row=run.parameters["first_row"],
        message_row=answer.id,
        message_id=answer.public_id,
    )
    why_not = partial(_waits_no_more, services, thread, run)
    return Begun(run, await go_on_in_thread(services, going_on, store, why_not))


def _in_order(last: KeptRound, given: Sequence[Output]) -> list[str]:
    """What each call came to, in the order of the calls.

    Raises:
        InvalidFields: it is not each of them once.
    """
    expected, got = [one.id for one in last.calls], [one.tool_call_id for one in given]
    if sorted(expected) != sorted(got):
        why = f"Expected tool outputs for call_ids {expected}, got {got}."
        raise InvalidFields({"tool_outputs": [why]})
    outputs = {one.tool_call_id: one.output or "" for one in given}
    return [outputs[call_id] for call_id in expected]


def _asked(user_id: int, thread: Thread, run: Run, assistant: Assistant) -> AskedInThread:
    """As the run was asked for; its instructions are whole."""
    asked = run.parameters
    truncation = msgspec.convert(asked["truncation_strategy"], Truncation)
    return AskedInThread(
        user_id=user_id,
        thread_id=thread.id,
        assistant_id=assistant.id,
        instructions=asked["instructions"],
        searches=searches(asked["tools"], asked["tool_choice"]),
        last_messages=last_messages(truncation),
        bounds=bounds_of(
            asked["tools"], asked["max_prompt_tokens"], asked["max_completion_tokens"]
        ),
        offered=rounds.offered(run),
        waits_seconds=EXPIRES_SECONDS,
    )


async def _waits_no_more(services: Services, thread: Thread, run: Run) -> NoReturn:
    """Somebody else went on with it, or cancelled it, or its time is over."""
    async with services.sessions() as session:
        row = await run_queries.run_of(session, thread.id, run.public_id)
    if row is None:
        raise lookup.unknown("run", run.public_id)
    _refuse(row)


def _refuse(row: RunRow) -> NoReturn:
    status = standing(row.run, row.answer).status
    raise BadRequest(f"Runs in status '{status}' do not accept tool outputs.")
