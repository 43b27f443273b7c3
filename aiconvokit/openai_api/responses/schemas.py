"""Responses and items of conversations on the wire; what OpenAI's have not is ours."""

from typing import Any, Literal

from msgspec import Struct

from aiconvokit.openai_api.vector_stores.schemas import Values

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


class FileCitation(Struct, tag="file_citation", tag_field="type"):
    """What a mark rests on: `index` is where in the text it stands; `page` and `quote` are ours."""

    file_id: str
    filename: str
    index: int
    page: int
    quote: str


class OutputText(Struct, tag="output_text", tag_field="type"):
    """What a model says."""

    text: str
    annotations: list[FileCitation]
    logprobs: list[Any] = []


class InputText(Struct, tag="input_text", tag_field="type"):
    """What is said to it."""

    text: str


class MessageItem(Struct, tag="message", tag_field="type"):
    """Something that was said."""

    id: str
    status: ItemStatus
    role: Literal["user", "assistant", "system", "developer"]
    content: list[OutputText | InputText]


class CallItem(Struct, tag="function_call", tag_field="type"):
    """A function that the caller is to run."""

    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


class CallOutputItem(Struct, tag="function_call_output", tag_field="type"):
    """What a function came to."""

    id: str
    status: ItemStatus
    call_id: str
    output: str


class FoundOut(Struct):
    """A passage that was found; `page` is ours."""

    file_id: str
    filename: str
    score: float
    text: str
    attributes: Values
    page: int


class SearchItem(Struct, tag="file_search_call", tag_field="type"):
    """A search; `results` are told to who asks for them."""

    id: str
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"]
    queries: list[str]
    results: list[FoundOut] | None = None


ItemOut = MessageItem | CallItem | CallOutputItem
OutputItem = SearchItem | MessageItem | CallItem


class ErrorOut(Struct):
    """Why a response failed."""

    code: str
    message: str


class IncompleteOut(Struct):
    """What cut it off."""

    reason: Literal["max_output_tokens", "content_filter"]


class CachedOut(Struct):
    """Tokens that a cache had; none here."""

    cached_tokens: int = 0


class ReasoningOut(Struct):
    """Tokens of reasoning; they are not told apart here."""

    reasoning_tokens: int = 0


class UsageOut(Struct):
    """Tokens as the model counted them; an answer without a model took none."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: CachedOut
    output_tokens_details: ReasoningOut


class ConversationId(Struct):
    """The conversation that a response stands in."""

    id: str


class ResponseOut(Struct):
    """OpenAI's response object."""

    id: str
    created_at: int
    status: Status
    completed_at: int | None
    error: ErrorOut | None
    incomplete_details: IncompleteOut | None
    output: list[OutputItem]
    usage: UsageOut | None
    metadata: dict[str, str]
    conversation: ConversationId | None
    background: bool
    store: bool
    model: str
    instructions: str | None
    previous_response_id: str | None
    tools: list[dict[str, Any]]
    tool_choice: Any
    parallel_tool_calls: bool
    max_tool_calls: int | None
    max_output_tokens: int | None
    temperature: float | None
    top_p: float | None
    truncation: str
    text: dict[str, Any]
    reasoning: dict[str, Any] | None
    service_tier: str | None
    user: str | None
    safety_identifier: str | None
    prompt_cache_key: str | None
    object: Literal["response"] = "response"


class ResponseDeleted(Struct):
    """A response that is gone."""

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True
