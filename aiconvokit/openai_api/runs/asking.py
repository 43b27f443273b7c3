"""What a run is asked for with: read, checked, and begun as a turn of its thread."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aiconvokit.accounts.idempotency import Attempt
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.answer import ensure_offerable
from aiconvokit.chat.tables import Thread
from aiconvokit.chat.thread_turn import AskedInThread, begin_in_thread
from aiconvokit.chat.turn import HISTORY_MESSAGES, StoredTurn
from aiconvokit.chat.turn_queries import Saying
from aiconvokit.chat.turn_state import Bounds
from aiconvokit.db import Transaction
from aiconvokit.errors import BadRequest, ChatBusy
from aiconvokit.ids import public_id
from aiconvokit.llm.functions import Offered
from aiconvokit.openai_api import repeats, tools
from aiconvokit.openai_api.assistants.work import own_model
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.completions.body import MOST_TOKENS, Tokens
from aiconvokit.openai_api.messages.work import NewMessage
from aiconvokit.openai_api.repeats import Made
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.show import EXPIRES_SECONDS
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
        UpstreamFailed: functions are, and the model's server takes none.
    """
    thread, wanted = asking.thread, asking.wanted
    kept, offered = tools_for(services, assistant, wanted)
    reads = searches(kept, wanted.tool_choice)
    bounds = bounds_of(kept, wanted.max_prompt_tokens, wanted.max_completion_tokens)
    run = Run(public_id=public_id("run"), thread_id=thread.id, assistant_id=assistant.openai_id)

    async def store(transaction: Transaction, turn: StoredTurn) -> None:
        run.message_id, run.metadata_ = turn.message_row, wanted.metadata or {}
        run.parameters = {
            **_parameters(services, assistant, wanted, kept),
            "instructions": turn.persona.instructions,
            "searches": any(one.chunk_count for one in turn.collections),
            "score_threshold": bounds.score,
            "first_row": turn.message_row,
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
        searches=reads,
        last_messages=last_messages(wanted.truncation_strategy),
        bounds=bounds,
        offered=offered,
        waits_seconds=EXPIRES_SECONDS,
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


def tools_for(
    services: Services, assistant: Assistant, wanted: NewRun
) -> tuple[list[dict[str, Any]], Offered | None]:
    """The tools of a run as they are kept and shown, and what a model may call of them.

    Raises:
        InvalidFields: a tool is not offered, or none has the name that must be called.
        UpstreamFailed: functions are, and the model's server takes none.
    """
    own = wanted.tools is None
    kept = tools.tools_of(assistant) if own else tools.checked(wanted.tools or [])
    tools.check_named(wanted.tool_choice, kept)
    parallel = wanted.parallel_tool_calls is not False
    offered = tools.offered_in(kept, wanted.tool_choice, parallel=parallel)
    if offered is not None:
        ensure_offerable(services)
    return kept, offered


def searches(kept: Sequence[dict[str, Any]], choice: Any) -> bool:
    """Whether a run with these tools reads documents."""
    return choice != "none" and tools.options_in(kept) is not None


def bounds_of(
    kept: Sequence[dict[str, Any]], prompt_tokens: int | None, answer_tokens: int | None
) -> Bounds:
    """What a run with these tools is limited to."""
    options = tools.options_in(kept)
    ranking = options.ranking_options if options else None
    return Bounds(
        passages=options.max_num_results if options else None,
        score=ranking.score_threshold if ranking else 0.0,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
    )


def last_messages(truncation: Truncation | None) -> int:
    """How many messages of its thread a run reads."""
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
