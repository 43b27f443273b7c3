"""The steps of a run: the search of its passages, its calls of functions, and what it says."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message
from aiconvokit.openai_api.completions.schemas import TokensOut
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.messages.work import ended_at
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs import rounds_queries
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.rounds import rounds_of, wait_of
from aiconvokit.openai_api.runs.show import ACTIVE, ErrorOut, Standing, standing, usage_of
from aiconvokit.openai_api.tables import Run
from aiconvokit.retrieval.types import Passage

StepKind = Literal["tool_calls", "message_creation"]
StepStatus = Literal["in_progress", "cancelled", "failed", "completed", "expired"]
SEARCH, CALLS, MESSAGE = "s", "f", "m"
"""What the id of a step ends with: a letter, and the number of its like before it, if any."""


class FoundText(Struct):
    """Words that were found."""

    text: str
    type: Literal["text"] = "text"


class FileResult(Struct):
    """A passage that was found; `page` is ours, `content` only comes when it is asked for."""

    file_id: str
    file_name: str
    score: float
    page: int
    content: list[FoundText] | None = None


class RankingOut(Struct):
    """How passages were chosen."""

    ranker: Literal["auto"]
    score_threshold: float


class FileSearch(Struct):
    """One search and what it found."""

    ranking_options: RankingOut
    results: list[FileResult]


class FileSearchCall(Struct, tag="file_search", tag_field="type"):
    """The call of the search."""

    id: str
    file_search: FileSearch


class FunctionCalled(Struct):
    """A function and what it came to; None: it is waited for."""

    name: str
    arguments: str
    output: str | None


class FunctionCallOut(Struct, tag="function", tag_field="type"):
    """The call of a function."""

    id: str
    function: FunctionCalled


class ToolCalls(Struct, tag="tool_calls", tag_field="type"):
    """The details of a search, or of calls that were made at once."""

    tool_calls: Sequence[FileSearchCall | FunctionCallOut]


class MessageCreated(Struct):
    """Which message."""

    message_id: str


class MessageCreation(Struct, tag="message_creation", tag_field="type"):
    """The details of an answer."""

    message_creation: MessageCreated


class StepOut(Struct):
    """OpenAI's run step."""

    id: str
    created_at: int
    run_id: str
    assistant_id: str
    thread_id: str
    type: StepKind
    status: StepStatus
    cancelled_at: int | None
    completed_at: int | None
    expired_at: int | None
    failed_at: int | None
    last_error: ErrorOut | None
    step_details: ToolCalls | MessageCreation
    usage: TokensOut | None
    metadata: dict[str, str] = {}
    object: Literal["thread.run.step"] = "thread.run.step"


def step_id(run: Run, letter: str, number: int = 0) -> str:
    """The id of a step; it is its run's, and says which one it is."""
    return f"step_{run.public_id.removeprefix('run_')}{letter}{number or ''}"


def search_step(
    run: Run,
    thread_id: str,
    answer: Message | None,
    results: list[FileResult] | None,
) -> StepOut:
    """The search for passages.

    Args:
        run: of which it is a step.
        thread_id: the thread's public id.
        answer: what the run writes.
        results: what was found; None: the search goes on, or failed.
    """
    stands = standing(run, answer)
    if results is not None:
        stands = Standing("completed", stands.ended_at or run.created_at)
    ranking = RankingOut("auto", run.parameters["score_threshold"])
    call = FileSearchCall(
        id=f"call_{run.public_id.removeprefix('run_')}",
        file_search=FileSearch(ranking, results or []),
    )
    return _step(run, thread_id, step_id(run, SEARCH), stands, ToolCalls([call]))


def message_step(run: Run, thread_id: str, answer: Message) -> StepOut:
    """The writing of the answer."""
    stands = standing(run, answer)
    details = MessageCreation(MessageCreated(answer.public_id))
    number = sum(one.said is not None for one in rounds_of(run))
    shown = _step(run, thread_id, step_id(run, MESSAGE, number), stands, details)
    if stands.status not in ACTIVE:
        shown.usage = usage_of(answer)
    return shown


def said_step(run: Run, thread_id: str, said: Message, number: int) -> StepOut:
    """The writing of what was said beside calls, which is whole; `number` such were before it."""
    stands = Standing("completed", ended_at(said))
    details = MessageCreation(MessageCreated(said.public_id))
    shown = _step(run, thread_id, step_id(run, MESSAGE, number), stands, details)
    shown.usage = usage_of(said)
    return shown


def calls_step(run: Run, thread_id: str, answer: Message | None, number: int) -> StepOut:
    """Calls of functions, those of the run's round of that number."""
    one = rounds_of(run)[number]
    outputs: Sequence[str | None] = one.outputs or [None] * len(one.calls)
    calls = [
        FunctionCallOut(call.id, FunctionCalled(call.name, call.arguments, output))
        for call, output in zip(one.calls, outputs, strict=True)
    ]
    stands = standing(run, answer)
    if one.outputs is not None:
        stands = Standing("completed", datetime.fromtimestamp(one.at, UTC))
    shown = _step(run, thread_id, step_id(run, CALLS, number), stands, ToolCalls(calls))
    shown.created_at = one.at
    if one.outputs is not None and one.said is None:  # else it is the message's
        shown.usage = usage_of(None, one.usage)
    return shown


def _step(
    run: Run,
    thread_id: str,
    own_id: str,
    stands: Standing,
    details: ToolCalls | MessageCreation,
) -> StepOut:
    status = _STATUS[stands.status]
    ended = seconds(stands.ended_at) if stands.ended_at else None
    return StepOut(
        id=own_id,
        created_at=seconds(run.created_at),
        run_id=run.public_id,
        assistant_id=run.assistant_id,
        thread_id=thread_id,
        type="tool_calls" if isinstance(details, ToolCalls) else "message_creation",
        status=status,
        cancelled_at=ended if status == "cancelled" else None,
        completed_at=ended if status == "completed" else None,
        expired_at=ended if status == "expired" else None,
        failed_at=ended if status == "failed" else None,
        last_error=stands.error if status == "failed" else None,
        step_details=details,
        usage=None,
    )


_STATUS: Mapping[str, StepStatus] = {
    "in_progress": "in_progress",
    "requires_action": "in_progress",
    "expired": "expired",
    "cancelling": "in_progress",
    "cancelled": "cancelled",
    "failed": "failed",
    "completed": "completed",
    "incomplete": "completed",
}


def file_results(
    found: list[dict[str, Any]], file_ids: Mapping[int, str], texts: Mapping[int, str]
) -> list[FileResult]:
    """What a receipt says was found; documents that were deleted since are left out.

    Args:
        found: the receipt's passages.
        file_ids: public ids of files by document.
        texts: words of the passages by rank; those that are not there come without.
    """
    return [
        FileResult(
            file_id=file_ids[one["document_id"]],
            file_name=one["filename"],
            score=round(min(max(one["score"], 0.0), 1.0), 4),
            page=one["page"],
            content=[FoundText(texts[one["rank"]])] if one["rank"] in texts else None,
        )
        for one in found
        if one["document_id"] in file_ids and one["filename"] is not None
    ]


def found_of(rank: int, passage: Passage) -> dict[str, Any]:
    """A passage just found, as its receipt will name it."""
    return {
        "rank": rank,
        "document_id": passage.document_id,
        "filename": passage.filename,
        "score": passage.score,
        "page": passage.page,
    }


async def step_results(
    session: AsyncSession, answer: Message | None, *, with_content: bool
) -> list[FileResult] | None:
    """What the search for an answer came to; None: it is not there yet, or failed."""
    kept = await run_queries.receipt_of(session, answer.id) if answer else None
    if kept is None or kept.content["space"] is None:
        return None
    found = [one for one in kept.content["passages"] if one["filename"] is not None]
    texts = await run_queries.texts_of(session, found) if with_content else {}
    file_ids = await file_ids_of(session, {one["document_id"] for one in found})
    return file_results(found, file_ids, texts)


async def steps_of(
    session: AsyncSession, thread_id: str, row: RunRow, *, with_content: bool
) -> list[StepOut]:
    """A run's steps, the search first."""
    run, answer = row
    steps = list[StepOut]()
    if run.parameters["searches"]:
        results = await step_results(session, answer, with_content=with_content)
        steps.append(search_step(run, thread_id, answer, results))
    rows = [one.said for one in rounds_of(run) if one.said is not None]
    said = await rounds_queries.messages_by_row(session, rows)
    steps += round_steps(run, thread_id, answer, said)
    is_written = answer is not None and answer.status == "in_progress" and wait_of(run) is None
    if answer is not None and (answer.content or is_written):
        steps.append(message_step(run, thread_id, answer))
    return steps


def round_steps(
    run: Run, thread_id: str, answer: Message | None, said: Mapping[int, Message], first: int = 0
) -> list[StepOut]:
    """What was said and called before the answer.

    Args:
        run: of which these are steps.
        thread_id: the thread's public id.
        answer: what the run writes.
        said: row -> message, of those that were said beside calls and are there still.
        first: the number of the round to begin with.
    """
    steps, spoken = list[StepOut](), 0
    for number, one in enumerate(rounds_of(run)):
        if one.said is not None:
            if one.said in said and number >= first:
                steps.append(said_step(run, thread_id, said[one.said], spoken))
            spoken += 1
        if number >= first and one.calls:  # they go with the answer that they led to
            steps.append(calls_step(run, thread_id, answer, number))
    return steps


def calls_of(step: StepOut) -> list[FunctionCallOut]:
    """The calls of functions that a step is."""
    details = step.step_details
    calls = details.tool_calls if isinstance(details, ToolCalls) else []
    return [one for one in calls if isinstance(one, FunctionCallOut)]
