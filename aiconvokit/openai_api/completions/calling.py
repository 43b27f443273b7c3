"""Functions in chat completions: what is offered, and the calls that stand in a conversation."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from aiconvokit.chat.answer import Event, ensure_offerable
from aiconvokit.errors import InvalidFields
from aiconvokit.llm.calls import MOST_CALLS
from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.functions import AUTO, NONE, REQUIRED, Function, FunctionCall, Offered, Round
from aiconvokit.openai_api.tools import (
    FUNCTION,
    FunctionTool,
    check_parameters,
    function_named,
    functions_in,
)
from aiconvokit.services import Services

UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'."
)
NOTHING_OFFERED = "no function can be called here; leave it out, or say auto or none."


class CalledIn(Struct):
    """What was called."""

    name: str
    arguments: str = ""


class CallIn(Struct):
    """A call of a function, as an answer told it."""

    id: str
    function: CalledIn


CallsIn = Annotated[list[CallIn], Meta(max_length=MOST_CALLS)]


class ToolIn(Struct):
    """A function that may be called."""

    type: str
    function: FunctionTool | None = None


def offered(
    tools: Sequence[ToolIn] | None, choice: object, *, parallel: bool | None
) -> Offered | None:
    """What the model may call; None: nothing.

    Raises:
        InvalidFields: a tool is no function, or the one that must be called is not among them.
    """
    functions = [_function(one, f"tools[{index}]") for index, one in enumerate(tools or [])]
    names = [one.name for one in functions]
    if len(set(names)) < len(names):
        raise InvalidFields({"tools": ["each function has a name of its own."]})
    told, among = _chosen(choice)
    if among is not None:
        functions = [one for one in functions if one.name in among]
    is_forced = told not in {AUTO, NONE}
    if is_forced and (not functions or told not in {REQUIRED, *names}):
        raise InvalidFields({"tool_choice": [NOTHING_OFFERED]})
    if not functions or told == NONE:
        return None
    return Offered(tuple(functions), told, parallel is not False)


def _function(tool: ToolIn, place: str) -> Function:
    if tool.type != FUNCTION or tool.function is None:
        raise InvalidFields({f"{place}.type": [f"only a {FUNCTION} can be called here."]})
    check_parameters(tool.function.parameters, f"{place}.function.parameters")
    return functions_in([{"type": FUNCTION, FUNCTION: msgspec.to_builtins(tool.function)}])[0]


def _chosen(choice: object) -> tuple[str, set[str] | None]:
    """What is to be done with functions, and which alone are meant (None: all)."""
    if choice is None or choice in (AUTO, NONE, REQUIRED):
        return str(choice or AUTO), None
    if (name := function_named(choice)) is not None:
        return name, None
    allowed = choice.get("allowed_tools") if isinstance(choice, dict) else None
    listed = allowed.get("tools") if isinstance(allowed, dict) else None
    if not isinstance(allowed, dict) or not isinstance(listed, list):
        raise InvalidFields({"tool_choice": [NOTHING_OFFERED]})
    mode = REQUIRED if allowed.get("mode") == REQUIRED else AUTO
    return mode, {name for one in listed if (name := function_named(one)) is not None}


async def offering(
    services: Services,
    wanted: Offered | None,
    make: Callable[[Offered | None], AsyncGenerator[Event]],
) -> AsyncGenerator[Event]:
    """An answer with functions; where nobody can call them, and nobody must, one without.

    Front ends offer their own with every question, whoever answers.

    Args:
        services: whose model is to call them.
        wanted: what is offered.
        make: the answer's events.

    Raises:
        UpstreamFailed: a function must be called, and none can be.
    """
    try:
        if wanted is not None:
            ensure_offerable(services)
        async with aclosing(make(wanted)) as events:
            async for event in events:
                yield event
        return
    except ModelError as error:
        if error.code != "model_without_tools" or wanted is None or wanted.choice != AUTO:
            raise
    async with aclosing(make(None)) as events:
        async for event in events:
            yield event


def with_outputs(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """A conversation in which calls and what they came to stand together, in their order.

    What came of a call that is not there is left out: another model's, say.

    Raises:
        InvalidFields: a call has no output.
    """
    kept: list[ChatMessage] = []
    waiting: dict[str, int] = {}
    for one in messages:
        if one.call_id is not None:
            at = waiting.pop(one.call_id, None)
            if at is not None:
                kept[at] = one
            continue
        if waiting:
            raise InvalidFields({"messages": [UNANSWERED]})
        kept.append(one)
        for call in one.calls:
            waiting[call.id] = len(kept)
            kept.append(replace(one, role="tool", calls=(), call_id=call.id))
    if waiting:
        raise InvalidFields({"messages": [UNANSWERED]})
    return kept


def rounds_at_end(messages: Sequence[ChatMessage]) -> list[Round]:
    """The calls that were made to answer the last question."""
    rounds: list[Round] = []
    outputs: list[str] = []
    for one in reversed(messages):
        if one.call_id is not None:
            outputs.insert(0, one.content)
        elif one.calls:
            rounds.insert(0, Round(one.calls, tuple(outputs), one.content))
            outputs = []
        else:
            break
    return rounds


def calls_of(calls: Sequence[CallIn]) -> tuple[FunctionCall, ...]:
    """Calls as a model is told of them again."""
    return tuple(FunctionCall(one.id, one.function.name, one.function.arguments) for one in calls)
