"""The steps of a run: the search of its passages, and the writing of its answer."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message
from aiconvokit.openai_api.completions.schemas import TokensOut
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.queries import RunRow
from aiconvokit.openai_api.runs.show import ACTIVE, ErrorOut, Standing, standing, usage_of
from aiconvokit.openai_api.tables import Run
from aiconvokit.retrieval.types import Passage

StepKind = Literal["tool_calls", "message_creation"]
_LETTERS: dict[StepKind, str] = {"tool_calls": "s", "message_creation": "m"}


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


class FileSearchCall(Struct):
    """The call of the one tool."""

    id: str
    file_search: FileSearch
    type: Literal["file_search"] = "file_search"


class ToolCalls(Struct, tag="tool_calls", tag_field="type"):
    """The details of a search."""

    tool_calls: list[FileSearchCall]


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
    status: Literal["in_progress", "cancelled", "failed", "completed"]
    cancelled_at: int | None
    completed_at: int | None
    expired_at: int | None
    failed_at: int | None
    last_error: ErrorOut | None
    step_details: ToolCalls | MessageCreation
    usage: TokensOut | None
    metadata: dict[str, str] = {}
    object: Literal["thread.run.step"] = "thread.run.step"


def step_id(run: Run, kind: StepKind) -> str:
    """The id of a step; it is its run's, and says which one it is."""
    return f"step_{run.public_id.removeprefix('run_')}{_LETTERS[kind]}"


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
    return _step(run, thread_id, "tool_calls", stands, ToolCalls([call]), None)


def message_step(run: Run, thread_id: str, answer: Message) -> StepOut:
    """The writing of the answer."""
    stands = standing(run, answer)
    details = MessageCreation(MessageCreated(answer.public_id))
    used = None if stands.status in ACTIVE else usage_of(answer)
    return _step(run, thread_id, "message_creation", stands, details, used)


def _step(
    run: Run,
    thread_id: str,
    kind: StepKind,
    stands: Standing,
    details: ToolCalls | MessageCreation,
    usage: TokensOut | None,
) -> StepOut:
    status = _STATUS[stands.status]
    ended = seconds(stands.ended_at) if stands.ended_at else None
    return StepOut(
        id=step_id(run, kind),
        created_at=seconds(run.created_at),
        run_id=run.public_id,
        assistant_id=run.assistant_id,
        thread_id=thread_id,
        type=kind,
        status=status,
        cancelled_at=ended if status == "cancelled" else None,
        completed_at=ended if status == "completed" else None,
        expired_at=None,
        failed_at=ended if status == "failed" else None,
        last_error=stands.error if status == "failed" else None,
        step_details=details,
        usage=usage,
    )


_STATUS: Mapping[str, Literal["in_progress", "cancelled", "failed", "completed"]] = {
    "in_progress": "in_progress",
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
    steps = []
    if run.parameters["searches"]:
        results = await step_results(session, answer, with_content=with_content)
        steps.append(search_step(run, thread_id, answer, results))
    if answer is not None and (answer.content or answer.status == "in_progress"):
        steps.append(message_step(run, thread_id, answer))
    return steps
