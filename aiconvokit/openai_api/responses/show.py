"""Responses and items as the wire shows them, from what is stored of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Message
from aiconvokit.openai_api.annotations import marks_in
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.messages.work import ended_at
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.responses import queries
from aiconvokit.openai_api.responses.body import NewResponse
from aiconvokit.openai_api.responses.items import Call, Output, stored_item
from aiconvokit.openai_api.responses.queries import CONVERSATION, RESPONSE, ResponseRow
from aiconvokit.openai_api.responses.schemas import (
    CachedOut,
    CallItem,
    CallOutputItem,
    ConversationId,
    ErrorOut,
    FileCitation,
    FoundOut,
    IncompleteOut,
    InputText,
    ItemOut,
    ItemStatus,
    MessageItem,
    OutputItem,
    OutputText,
    ReasoningOut,
    ResponseOut,
    SearchItem,
    Status,
    UsageOut,
)
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.show import standing as run_standing
from aiconvokit.openai_api.tables import Run
from aiconvokit.openai_api.vector_stores import queries as store_queries
from ingestion.attributes import loaded

ACTIVE = ("queued", "in_progress")
SHOWN: dict[str, Any] = {"truncation": "disabled", "text": {"format": {"type": "text"}}}
"""What is shown of what was not said."""
AS_ASKED = (
    "model",
    "instructions",
    "previous_response_id",
    "max_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "truncation",
    "text",
    "reasoning",
    "service_tier",
    "user",
    "safety_identifier",
    "prompt_cache_key",
)
"""What a response shows as it was asked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a response stands."""

    status: Status
    completed_at: int | None = None
    error: ErrorOut | None = None
    incomplete: IncompleteOut | None = None


IN_PROGRESS = Standing("in_progress")


def parameters_of(
    body: NewResponse, tools: Sequence[dict[str, Any]], choice: Any
) -> dict[str, Any]:
    """What a response shows again of its request."""
    asked: dict[str, Any] = {name: getattr(body, name) for name in AS_ASKED}
    return {
        **asked,
        **{name: default for name, default in SHOWN.items() if not asked[name]},
        "tools": list(tools),
        "tool_choice": choice,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "background": body.background is True,
        "store": body.is_stored,
    }


def response(
    run: Run,
    stands: Standing,
    output: Sequence[OutputItem],
    *,
    usage: UsageOut | None,
    conversation: str | None,
) -> ResponseOut:
    """The response object of a run that is stored, or never will be."""
    return ResponseOut(
        id=run.public_id,
        created_at=seconds(run.created_at),
        status=stands.status,
        completed_at=stands.completed_at,
        error=stands.error,
        incomplete_details=stands.incomplete,
        output=list(output),
        usage=usage,
        metadata=run.metadata_,
        conversation=None if conversation is None else ConversationId(conversation),
        **run.parameters["shown"],
    )


async def show(session: AsyncSession, row: ResponseRow, *, with_results: bool) -> ResponseOut:
    """A stored response as it is now.

    Args:
        session: the caller's.
        row: it.
        with_results: whether a search tells what it found.
    """
    run, thread, answer = row
    stands = standing(run, answer)
    output: list[OutputItem] = []
    if stands.status not in ACTIVE:
        output += await _search(session, row, with_results=with_results)
        calls = await queries.items_of(session, thread.owner_id, run.parameters["output"])
        written = [one for one in (answer,) if one is not None and one.content]
        shown = await show_items(session, [*written, *calls])
        output += [cast("OutputItem", one) for one in shown]
    return response(
        run,
        stands,
        output,
        usage=None if stands.status in ACTIVE else usage_of(answer.usage if answer else None),
        conversation=conversation_id(thread.public_id),
    )


def conversation_id(thread_id: str) -> str | None:
    """The conversation that a thread is; None: it is a response's own."""
    return thread_id if thread_id.startswith(f"{CONVERSATION}_") else None


def standing(run: Run, answer: Message | None) -> Standing:
    """How a response stands, from its answer; one whose answer was deleted had come to its end.

    One that somebody stopped, or stopped listening to, is cancelled.
    """
    if answer is None:
        return Standing("completed", seconds(run.created_at))
    if answer.status == "in_progress":
        return IN_PROGRESS
    if answer.status in {"complete", "redacted"}:
        return ended(answer.finish_reason, seconds(ended_at(answer)))
    was_put_away = answer.milliseconds is not None  # by its process, which lives
    if answer.error_code is None and (run.cancelled_at or was_put_away):
        return Standing("cancelled")
    error = run_standing(run, answer).error
    return Standing("failed", error=ErrorOut(error.code, error.message) if error else None)


def ended(finish_reason: str | None, at: int) -> Standing:
    """How an answer stands that was written, whole or cut off."""
    if finish_reason == "length":
        return Standing("incomplete", incomplete=IncompleteOut("max_output_tokens"))
    if finish_reason == "content_filter":
        return Standing("incomplete", incomplete=IncompleteOut("content_filter"))
    return Standing("completed", at)


def usage_of(told: Mapping[str, int] | None) -> UsageOut:
    """What an answer cost."""
    used = told or {}
    prompt, answer = used.get("prompt_tokens", 0), used.get("completion_tokens", 0)
    return UsageOut(prompt, answer, prompt + answer, CachedOut(), ReasoningOut())


def search_id(response_id: str) -> str:
    """The id of a response's search."""
    return f"fs_{response_id.removeprefix(f'{RESPONSE}_')}"


def call_id(response_id: str, number: int) -> str:
    """The id of the item that one of a response's calls is; not the id of the call."""
    return f"fc_{response_id.removeprefix(f'{RESPONSE}_')}{number}"


async def _search(
    session: AsyncSession, row: ResponseRow, *, with_results: bool
) -> list[SearchItem]:
    run, thread, answer = row
    if not run.parameters["searches"]:
        return []
    kept = await run_queries.receipt_of(session, answer.id) if answer else None
    asked = await queries.items_of(session, thread.owner_id, run.parameters["asked"])
    question = "\n\n".join(one.content for one in asked)
    if kept is None or kept.content["space"] is None:
        return [search_item(run.public_id, question, None, has_searched=False)]
    results = None
    if with_results:
        found = [one for one in kept.content["passages"] if one["filename"] is not None]
        results = await show_found(session, found, await run_queries.texts_of(session, found))
    query = kept.content["rewritten"] or question
    return [search_item(run.public_id, query, results, has_searched=True)]


def search_item(
    response_id: str, query: str, results: list[FoundOut] | None, *, has_searched: bool
) -> SearchItem:
    """A search that is over; a question that was deleted is not told."""
    status: Literal["completed", "failed"] = "completed" if has_searched else "failed"
    return SearchItem(search_id(response_id), status, [query] if query else [], results)


def message_item(message_id: str, part: OutputText, *, is_whole: bool) -> MessageItem:
    """What a model said, to its end or not."""
    status: ItemStatus = "completed" if is_whole else "incomplete"
    return MessageItem(message_id, status, "assistant", [part])


async def show_found(
    session: AsyncSession, found: Sequence[Mapping[str, Any]], texts: Mapping[int, str]
) -> list[FoundOut]:
    """What a search found; documents that were deleted since are left out.

    Args:
        session: the caller's.
        found: passages as a receipt names them.
        texts: their words by rank; one whose version is gone has none.
    """
    documents = {one["document_id"] for one in found}
    labels = await store_queries.labels_of(session, documents) if documents else {}
    return [
        FoundOut(
            file_id=labels[one["document_id"]].file_id,
            filename=one["filename"],
            score=round(min(max(one["score"], 0.0), 1.0), 4),
            text=texts.get(one["rank"], ""),
            attributes=loaded(labels[one["document_id"]].attributes),
            page=one["page"],
        )
        for one in found
        if one["document_id"] in labels
    ]


async def show_items(session: AsyncSession, rows: Sequence[Message]) -> list[ItemOut]:
    """Some items of conversations on the wire."""
    cited = {quote["document_id"] for one in rows for quote in one.citations or []}
    file_ids = await file_ids_of(session, cited)
    return [_item(one, file_ids) for one in rows]


def _item(row: Message, file_ids: Mapping[int, str]) -> ItemOut:
    match stored_item(row.role, row.content, row.attachments):
        case Call() as call:
            return CallItem(row.public_id, "completed", call.call_id, call.name, call.arguments)
        case Output() as output:
            return CallOutputItem(row.public_id, "completed", output.call_id, output.output)
        case None:
            return MessageItem(row.public_id, _item_status(row), "assistant", [])
        case spoken:
            content: OutputText | InputText = InputText(spoken.text)
            if spoken.role == "assistant":
                noted = annotations_of(spoken.text, row.citations or [], file_ids)
                content = OutputText(spoken.text, noted)
            return MessageItem(row.public_id, _item_status(row), spoken.role, [content])


def _item_status(row: Message) -> ItemStatus:
    if row.status == "in_progress":
        return "in_progress"
    is_cut = row.finish_reason in {"length", "content_filter"}
    return "completed" if row.status in {"complete", "redacted"} and not is_cut else "incomplete"


def annotations_of(
    text: str, stored: Sequence[Mapping[str, Any]], file_ids: Mapping[int, str], offset: int = 0
) -> list[FileCitation]:
    """The annotations of a text, one for each of its marks.

    Args:
        text: it, or a piece of it.
        stored: its citations as they are kept.
        file_ids: public ids of their files by document; quotes of deleted ones have none.
        offset: where in the whole text the piece begins.
    """
    cited = {one["index"]: one for one in stored if one["document_id"] in file_ids}
    return [
        FileCitation(
            file_id=file_ids[cited[mark.number]["document_id"]],
            filename=cited[mark.number]["filename"],
            index=offset + mark.start,
            page=cited[mark.number]["page"],
            quote=cited[mark.number]["quote"],
        )
        for mark in marks_in(text, cited)
    ]
