"""A turn that is over, told to the operator: counted, and as a trace where one is wanted.

What it is told by are ids, counts and times; never what was asked or answered.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiconvokit import request_id
from aiconvokit.chat.turn_state import Turn
from aiconvokit.errors import AIConvoKitError
from aiconvokit.telemetry import tracing, turns
from aiconvokit.telemetry.tracing import Told

_NAMES = {"attribution": "prove"}
_INSIDE = {"embed": "search"}
"""Parts that are parts of another."""
_FIRST_TOKEN = "first_token"  # noqa: S105  # of a model's words


def tell(turn: Turn, outcome: str | None, recording: float | None = None) -> None:
    """Tell of a turn, once.

    Args:
        turn: it.
        outcome: the answer's finish reason, `turns.FAILED` or `turns.INTERRUPTED`.
        recording: when its answer began to be stored, by `time.perf_counter`; None: it was not.
    """
    turns.ended(outcome, turn.trace.times())
    if tracing.is_on():
        tracing.tell(_told(turn, outcome, recording, time.perf_counter()))


@contextmanager
def unstored(turn: Turn) -> Iterator[None]:
    """Tell of a turn that is nobody's chat when the block, which answers it, is over."""
    try:
        yield
    except AIConvoKitError:
        tell(turn, how_it_broke_off(turn, is_fault=True))
        raise
    except BaseException:  # cancelled, closed, or our own fault
        tell(turn, turns.INTERRUPTED)
        raise
    tell(turn, turn.answer.finish_reason)


def how_it_broke_off(turn: Turn, *, is_fault: bool) -> str:
    """Failed before its first word, or interrupted: as its answer is stored."""
    return turns.FAILED if is_fault and not turn.answer.proven.output else turns.INTERRUPTED


def _told(turn: Turn, outcome: str | None, recording: float | None, now: float) -> Told:
    trace = turn.trace
    parts = {
        part: Told(_NAMES.get(part, part), begun, ended)
        for part, (begun, ended) in trace.spans.items()
        if part != _FIRST_TOKEN and part not in _INSIDE
    }
    for inner, outer in _INSIDE.items():
        if inner in trace.spans and outer in parts:
            whole = parts[outer]
            inside = Told(inner, *trace.spans[inner])
            parts[outer] = Told(whole.name, whole.begun, whole.ended, parts=[inside])
    if _FIRST_TOKEN in trace.spans and "model" in parts:
        whole, (_, at) = parts["model"], trace.spans[_FIRST_TOKEN]
        parts["model"] = Told(whole.name, whole.begun, whole.ended, events=[("first token", at)])
    stored = [] if recording is None else [Told("record", recording, now)]
    return Told(
        "turn",
        trace.begun,
        now,
        attributes=_attributes(turn, outcome),
        parts=[*parts.values(), *stored],
        has_failed=outcome == turns.FAILED,
    )


def _attributes(turn: Turn, outcome: str | None) -> tracing.Attributes:
    usage = turn.answer.usage
    found: dict[str, str | int | float] = {
        "aiconvokit.assistant_id": turn.persona.id,
        "aiconvokit.outcome": turns.known(outcome),
        "aiconvokit.passages_found": len(turn.trace.found),
        "aiconvokit.passages_sent": len(turn.trace.sent),
        "aiconvokit.citations": len(turn.answer.proven.citations),
    }
    if (asked_by := request_id.current()) is not None:
        found["aiconvokit.request_id"] = asked_by
    if usage is not None:
        found["aiconvokit.prompt_tokens"] = usage.prompt_tokens
        found["aiconvokit.completion_tokens"] = usage.completion_tokens
    return found
