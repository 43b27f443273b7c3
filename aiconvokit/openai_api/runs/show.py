"""A run as the wire shows it: what it was asked for with, and how its answer stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from aiconvokit.chat.tables import Message
from aiconvokit.openai_api.completions.schemas import TokensOut
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.messages.work import ended_at
from aiconvokit.openai_api.runs.rounds import Wait, rounds_of, wait_of
from aiconvokit.openai_api.tables import Run

Status = Literal[
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
ACTIVE = ("in_progress", "cancelling")
WAITS: Status = "requires_action"

EXPIRES_SECONDS = 600
"""What the old API gave a run. Ours wait so long for what functions come to; while they work they
end long before, at the chat model's deadline."""
UNFINISHED = "The server was stopped before the answer was whole."
WITHOUT_TOOLS = "The chat model of this server does not call these functions."


class ErrorOut(Struct):
    """Why a run failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteOut(Struct):
    """What cut an answer off."""

    reason: Literal["max_completion_tokens", "max_prompt_tokens"]


class FunctionOut(Struct):
    """What is called; `arguments` as the model wrote them."""

    name: str
    arguments: str


class CallOut(Struct):
    """A call that the client is to make."""

    id: str
    function: FunctionOut
    type: Literal["function"] = "function"


class CallsOut(Struct):
    """All of them."""

    tool_calls: list[CallOut]


class ActionOut(Struct):
    """What a run waits for."""

    submit_tool_outputs: CallsOut
    type: Literal["submit_tool_outputs"] = "submit_tool_outputs"


class RunOut(Struct):
    """OpenAI's run object."""

    id: str
    created_at: int
    thread_id: str
    assistant_id: str
    status: str
    required_action: ActionOut | None
    last_error: ErrorOut | None
    expires_at: int | None
    started_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    incomplete_details: IncompleteOut | None
    model: str
    instructions: str
    tools: list[dict[str, Any]]
    metadata: dict[str, str]
    usage: TokensOut | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    max_completion_tokens: int | None
    truncation_strategy: dict[str, Any]
    tool_choice: Any
    parallel_tool_calls: bool
    response_format: Any
    object: Literal["thread.run"] = "thread.run"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands; `ended_at` is None while it does not."""

    status: Status
    ended_at: datetime | None
    error: ErrorOut | None = None


def standing(run: Run, answer: Message | None) -> Standing:
    """How a run stands, from its answer; one whose answer was deleted had come to its end."""
    if answer is None:
        return Standing("completed", run.created_at)
    wait = wait_of(run) if run.cancelled_at is None else None
    if wait is not None or answer.status == "in_progress":
        return _unfinished(run, answer, wait)
    ended = run.cancelled_at or ended_at(answer)
    if answer.status in {"complete", "redacted"}:
        whole = answer.finish_reason != "length"
        return Standing("completed" if whole else "incomplete", ended_at(answer))
    if answer.error_code is None and run.cancelled_at:
        return Standing("cancelled", ended)
    return Standing("failed", ended, failure(answer.error_code))


def _unfinished(run: Run, answer: Message, wait: Wait | None) -> Standing:
    """Nobody ends a wait: when its time is over, whoever looks sees that it is."""
    if wait is None:
        return Standing("cancelling" if run.cancelled_at else "in_progress", None)
    if answer.status == "in_progress" and not wait.is_over:
        return Standing(WAITS, None)
    return Standing("expired", datetime.fromtimestamp(wait.until, UTC))


def show_run(run: Run, thread_id: str, answer: Message | None) -> RunOut:
    """The run object; `answer` is the message that it writes."""
    stands = standing(run, answer)
    asked: Mapping[str, Any] = run.parameters
    ended = seconds(stands.ended_at) if stands.ended_at else None
    is_active = stands.status in {*ACTIVE, WAITS}
    return RunOut(
        id=run.public_id,
        created_at=seconds(run.created_at),
        thread_id=thread_id,
        assistant_id=run.assistant_id,
        status=stands.status,
        required_action=_action(run) if stands.status == WAITS else None,
        last_error=stands.error,
        expires_at=_expires(run) if is_active or stands.status == "expired" else None,
        started_at=seconds(run.created_at),
        cancelled_at=ended if stands.status == "cancelled" else None,
        failed_at=ended if stands.status == "failed" else None,
        completed_at=ended if stands.status in {"completed", "incomplete"} else None,
        incomplete_details=(
            IncompleteOut("max_completion_tokens") if stands.status == "incomplete" else None
        ),
        metadata=run.metadata_,
        usage=None if is_active else usage_of(answer, *(one.usage for one in rounds_of(run))),
        **{name: asked[name] for name in PARAMETERS},
    )


def show_begun(run: Run, thread_id: str) -> RunOut:
    """A run as it is told of at its beginning, whatever has become of it since."""
    shown = show_run(run, thread_id, Message(status="in_progress"))
    return msgspec.structs.replace(shown, status="in_progress", required_action=None)


PARAMETERS = (
    "model",
    "instructions",
    "tools",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
)
"""What `run.parameters` keeps for the wire, all of it always."""


def usage_of(answer: Message | None, *before: dict[str, int] | None) -> TokensOut:
    """Tokens as the model counted them, with those of rounds `before` the answer.

    An answer without a model took none.
    """
    used = [one or {} for one in (answer.usage if answer else None, *before)]
    prompt = sum(one.get("prompt_tokens", 0) for one in used)
    completion = sum(one.get("completion_tokens", 0) for one in used)
    return TokensOut(prompt, completion, prompt + completion)


def _action(run: Run) -> ActionOut:
    *_, newest = rounds_of(run)
    calls = [CallOut(one.id, FunctionOut(one.name, one.arguments)) for one in newest.calls]
    return ActionOut(CallsOut(calls))


def _expires(run: Run) -> int:
    """When the run ends if nothing happens: one that waits, or waited to its end, by its wait."""
    if (wait := wait_of(run)) is not None:
        return int(wait.until)
    return seconds(run.created_at + timedelta(seconds=EXPIRES_SECONDS))


def failure(code: str | None) -> ErrorOut:
    """Why an answer failed, by its error's code; None: its process died."""
    if code is None:
        return ErrorOut("server_error", UNFINISHED)
    if code == "model_rate_limited":
        return ErrorOut("rate_limit_exceeded", "The model server takes no more requests just now.")
    if code == "input_too_long":
        return ErrorOut("invalid_prompt", "The question is too long for the model.")
    if code == "model_without_tools":
        return ErrorOut("invalid_prompt", WITHOUT_TOOLS)
    return ErrorOut("server_error", f"The answer could not be made ({code}).")
