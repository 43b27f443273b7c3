"""What a run is asked for with: read, checked, and begun as a turn of its thread."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aiconvokit.accounts.idempotency import Attempt
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.tables import Thread
from aiconvokit.chat.thread_turn import AskedInThread, begin_in_thread
from aiconvokit.chat.turn import HISTORY_MESSAGES, StoredTurn
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.chat.turn_state import Bounds
from aiconvokit.db import Transaction
from aiconvokit.errors import BadRequest, ChatBusy
from aiconvokit.ids import public_id
from aiconvokit.openai_api import repeats, tools
from aiconvokit.openai_api.assistants.work import own_model
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.completions.body import MOST_TOKENS, Tokens
from aiconvokit.openai_api.messages.work import NewMessage
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.tables import Run
from aiconvokit.openai_api.threads import queries as threads_queries
from aiconvokit.openai_api.threads.work import MAX_MESSAGES
from aiconvokit.openai_api.tools import Tools
from aiconvokit.rest.fields import JsonBody, LongText
from aiconvokit.services import Services


class Truncation(Struct):
    """How much of the thread the model sees."""

    type: Literal["auto", "last_messages"] = "auto"
    last_messages: Annotated[int, Meta(ge=1)] | None = None


class NewRun(JsonBody):
    """A run; what it names not is the assistant's."""

    assistant_id: str
    model: str | None = None
    instructions: LongText | None = None
    additional_instructions: LongText | None = None
    additional_messages: Annotated[list[NewMessage], Meta(max_length=MAX_MESSAGES)] | None = None
    tools: Tools | None = None
    tool_choice: Any = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_prompt_tokens: Annotated[int, Meta(ge=256, le=MOST_TOKENS)] | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: Truncation | None = None
    parallel_tool_calls: bool | None = None
    response_format: Any = None
    stream: bool | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants which run in which thread, and how its request is kept from being done twice."""

    user_id: int
    thread: Thread
    wanted: NewRun
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Begun:
    """A run whose turn has begun; `place` is left when that has ended."""

    run: Run
    turn: StoredTurn
    place: AsyncExitStack = field(default_factory=AsyncExitStack)


async def begin(
    services: Services,
    asking: Asking,
    assistant: Assistant,
    said_first: Sequence[Saying] = (),
) -> Begun:
    """Store a run and take its thread, all or nothing.

    Raises:
        NotFound: the thread or the assistant was deleted meanwhile.
        BadRequest: nothing was asked in the thread, or another run is in work there.
        ChatBusy: a turn that is no run is in work there.
        InvalidFields: a tool is not offered.
    """
    thread, wanted = asking.thread, asking.wanted
    kept = _kept_tools(assistant, wanted)
    searches = _searches(kept, wanted.tool_choice)
    bounds = _bounds(kept, wanted)
    run = Run(public_id=public_id("run"), thread_id=thread.id, assistant_id=assistant.openai_id)

    async def store(transaction: Transaction, turn: StoredTurn) -> None:
        run.message_id, run.metadata_ = turn.message_row, wanted.metadata or {}
        run.parameters = {
            **_parameters(services, assistant, wanted, kept),
            "instructions": turn.persona.instructions,
            "searches": any(one.chunk_count for one in turn.collections),
            "score_threshold": bounds.score,
        }
        run.created_at = await run_queries.insert_run(transaction, run)
        made = Made(run.public_id, thread.public_id)
        await repeats.keep_in(transaction, asking.attempt, made)

    asked = AskedInThread(
        user_id=asking.user_id,
        thread_id=thread.id,
        assistant_id=assistant.id,
        instructions=wanted.instructions,
        more_instructions=wanted.additional_instructions or "",
        said_first=said_first,
        searches=searches,
        last_messages=_last_messages(wanted.truncation_strategy),
        bounds=bounds,
    )
    try:
        turn = await begin_in_thread(services, asked, store)
    except ChatBusy as error:
        async with services.sessions() as session:
            active = await threads_queries.run_in_work(session, thread.id)
        if active is None:
            raise
        told = f"Thread {thread.public_id} already has an active run {active}."
        raise BadRequest(told) from error
    return Begun(run, turn)


def _kept_tools(assistant: Assistant, wanted: NewRun) -> list[dict[str, Any]]:
    if wanted.tools is not None:
        return tools.checked(wanted.tools)
    return tools.tools_of(assistant)


def _searches(kept: Sequence[dict[str, Any]], choice: Any) -> bool:
    return choice != "none" and tools.options_in(kept) is not None


def _bounds(kept: Sequence[dict[str, Any]], wanted: NewRun) -> Bounds:
    options = tools.options_in(kept)
    ranking = options.ranking_options if options else None
    return Bounds(
        passages=options.max_num_results if options else None,
        score=ranking.score_threshold if ranking else 0.0,
        prompt_tokens=wanted.max_prompt_tokens,
        answer_tokens=wanted.max_completion_tokens,
    )


def _last_messages(truncation: Truncation | None) -> int:
    if truncation is None or truncation.type == "auto" or truncation.last_messages is None:
        return HISTORY_MESSAGES
    return truncation.last_messages


def _parameters(
    services: Services, assistant: Assistant, wanted: NewRun, kept: list[dict[str, Any]]
) -> dict[str, Any]:
    """What the run object shows again; what no model is told is only kept."""
    own = assistant.options
    truncation = wanted.truncation_strategy or Truncation()
    return {
        "model": wanted.model or assistant.model or own_model(services),
        "tools": kept,
        "temperature": _given(wanted.temperature, own.get("temperature")),
        "top_p": _given(wanted.top_p, own.get("top_p")),
        "max_prompt_tokens": wanted.max_prompt_tokens,
        "max_completion_tokens": wanted.max_completion_tokens,
        "truncation_strategy": msgspec.to_builtins(truncation),
        "tool_choice": wanted.tool_choice or "auto",
        "parallel_tool_calls": wanted.parallel_tool_calls is not False,
        "response_format": _given(wanted.response_format, own.get("response_format")) or "auto",
    }


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value
