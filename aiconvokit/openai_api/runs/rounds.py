"""The rounds of a run: calls of functions, what its client said they came to, and its waiting.

They are kept with the run's parameters: they outlive the process, and go with the run.
"""

import time
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from aiconvokit.chat.turn import Done
from aiconvokit.db import Transaction
from aiconvokit.files.redaction_queries import REDACTED
from aiconvokit.llm.functions import AUTO, NO_ARGUMENTS, NONE, FunctionCall, Offered, Round
from aiconvokit.openai_api import tools
from aiconvokit.openai_api.runs import rounds_queries
from aiconvokit.openai_api.tables import Run

MOST_ROUNDS = 20
"""Of a run: behind them the model must answer. Some would call on as long as somebody pays."""


class Call(Struct):
    """A call of a function."""

    id: str
    name: str
    arguments: str


class KeptRound(Struct):
    """Calls that were made at once.

    `outputs` are None as long as the run waits for them. `said` is the row of the message that
    holds what the model said beside them. `at` is the second in which it called.
    """

    calls: list[Call]
    outputs: list[str] | None
    said: int | None
    usage: dict[str, int] | None
    at: int


class Wait(Struct):
    """A run waits `until`, in seconds since 1970; `lease` is its thread's meanwhile."""

    lease: str
    until: float

    @property
    def is_over(self) -> bool:
        """Whether nobody may go on with the run any more."""
        return time.time() >= self.until


def rounds_of(run: Run) -> list[KeptRound]:
    """A run's rounds, oldest first."""
    return msgspec.convert(run.parameters.get("rounds", []), list[KeptRound])


def wait_of(run: Run) -> Wait | None:
    """What a run waits for, or waited for when it ended; None: it goes on, or never waited."""
    kept = run.parameters.get("waiting")
    return None if kept is None else msgspec.convert(kept, Wait)


def told_of(run: Run, said: Mapping[int, str]) -> list[Round]:
    """A run's rounds as a model is told of them.

    Args:
        run: with all outputs.
        said: row -> text, of the messages that the model wrote beside its calls.
    """
    return [
        Round(
            calls=tuple(FunctionCall(call.id, call.name, _arguments(call)) for call in one.calls),
            outputs=tuple(one.outputs or ()),
            text=said.get(one.said, "") if one.said is not None else "",
        )
        for one in rounds_of(run)
    ]


def _arguments(call: Call) -> str:
    """A document that they had words of may have been deleted; servers read them as JSON."""
    return NO_ARGUMENTS if call.arguments == REDACTED else call.arguments


def offered(run: Run) -> Offered | None:
    """What the model may call when a run goes on: what must be called once was called."""
    asked, made = run.parameters, len(rounds_of(run))
    choice = asked["tool_choice"] if not made else AUTO
    found = tools.offered_in(asked["tools"], choice, parallel=asked["parallel_tool_calls"])
    if found is None or made < MOST_ROUNDS:
        return found
    return Offered(found.functions, NONE)


async def keep_round(run_id: str, transaction: Transaction, done: Done) -> None:
    """Store with the end of a turn that it waits for functions, if it does.

    Args:
        run_id: the public id of its run.
        transaction: the turn's last.
        done: how the turn ended.
    """
    waits = done.waits
    if waits is None:
        return
    calls = [Call(one.id, one.name, one.arguments) for one in done.calls]
    made = KeptRound(calls, None, waits.said_row, done.usage, int(time.time()))
    wait = Wait(str(waits.lease), waits.until)
    await rounds_queries.keep_round(
        transaction,
        run_id,
        waits.message_row,
        msgspec.to_builtins(made),
        msgspec.to_builtins(wait),
    )
