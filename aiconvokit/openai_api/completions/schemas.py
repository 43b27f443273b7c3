"""Chat completions on the wire; what OpenAI's have not is ours, and their clients keep it."""

from typing import Literal

from msgspec import Struct

from aiconvokit.chat.schemas import CitationOut

FinishReason = Literal["stop", "length", "content_filter"]
_REASONS: dict[str | None, FinishReason] = {"length": "length", "content_filter": "content_filter"}


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


class AnswerMessage(Struct):
    """What is said."""

    role: Literal["assistant"]
    content: str
    refusal: str | None
    annotations: list[Annotation]


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
