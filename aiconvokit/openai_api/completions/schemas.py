"""Chat completions on the wire; what OpenAI's have not is ours, and their clients keep it."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from aiconvokit.chat.schemas import CitationOut

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]
_REASONS: dict[str | None, FinishReason] = {
    "length": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
}


def finish_reason(told: str | None) -> FinishReason:
    """Why an answer ended, of all that servers tell."""
    return _REASONS.get(told, "stop")


class PlaceOut(Struct):
    """Where in the text a mark stands, and the page that it points at."""

    start_index: int
    end_index: int
    title: str
    url: str


class QuoteOut(Struct):
    """What a mark rests on; `index` is the number in it."""

    file_id: str
    filename: str
    page: int
    quote: str
    index: int


class Annotation(Struct, omit_defaults=True):
    """A mark: for clients that open an address, and once more with its quote."""

    type: Literal["url_citation", "file_citation"]
    url_citation: PlaceOut | None = None
    file_citation: QuoteOut | None = None


class TokensOut(Struct):
    """Tokens, as the model counted them; where it told none, as we do."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CalledOut(Struct):
    """What is to be called; `arguments` as the model wrote them."""

    name: str
    arguments: str


class CallOut(Struct):
    """A call that the client is to make."""

    id: str
    function: CalledOut
    type: Literal["function"] = "function"


class AnswerMessage(Struct):
    """What is said, None where nothing is but calls of functions."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    annotations: list[Annotation]
    tool_calls: list[CallOut] | UnsetType = UNSET


class Choice(Struct):
    """The one answer."""

    index: int
    message: AnswerMessage
    logprobs: None
    finish_reason: FinishReason


class CompletionOut(Struct, omit_defaults=True):
    """An answer as a whole; the last two are there where it is a thread's turn."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: TokensOut
    citations: list[CitationOut]
    thread_id: str | None = None
    message_id: str | None = None
