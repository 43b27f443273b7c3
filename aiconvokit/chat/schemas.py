"""Shapes of chats on the wire."""

from typing import Annotated

from msgspec import Meta, Struct

from aiconvokit.rest.fields import Id, LongText, ShortText, Timestamp

MAX_TITLE = 200
Title = Annotated[str, Meta(max_length=MAX_TITLE)]


class NewChat(Struct):
    """With a `thread_id` it is the chat of that thread."""

    assistant_id: Id
    thread_id: ShortText | None = None


class Ask(Struct):
    assistant_id: Id
    input: LongText
    stream: bool = False


class ChatOut(Struct):
    id: int
    absolute_url: str
    thread_id: str


class CitationOut(Struct):
    index: int
    document_id: int
    version: int
    stale: bool
    filename: str
    page: int
    quote: str
    start: int
    end: int
    url: str


class ClaimOut(Struct):
    start: int
    end: int
    supported: bool
    reason: str | None
    citations: list[int]


class AnswerOut(Struct, omit_defaults=True):
    """`html` is there where it was asked for."""

    id: int
    absolute_url: str
    thread_id: str
    input: str
    output: str
    citations: list[CitationOut]
    claims: list[ClaimOut]
    message_id: str
    model: str
    usage: dict[str, int] | None
    finish_reason: str | None
    passages: int
    milliseconds: dict[str, float]
    html: str | None = None


class MessageOut(Struct, omit_defaults=True):
    """`html` is there in an assistant's message, where it was asked for."""

    id: str
    role: str
    status: str
    content: str
    created_at: Timestamp
    model: str | None
    finish_reason: str | None
    error: str | None
    usage: dict[str, int] | None
    citations: list[CitationOut]
    claims: list[ClaimOut]
    milliseconds: dict[str, float] | None
    rating: int | None
    html: str | None = None


class ChatItem(Struct):
    """A chat among others; `updated_at` is the time of its newest message, or its own."""

    id: int
    absolute_url: str
    thread_id: str
    assistant_id: int
    title: str
    created_at: Timestamp
    updated_at: Timestamp


class ChatDetail(Struct):
    id: int
    absolute_url: str
    thread_id: str
    assistant_id: int
    title: str
    created_at: Timestamp
    updated_at: Timestamp
    messages: list[MessageOut]


class NewTitle(Struct):
    """Nothing, or nothing but spaces: the automatic one."""

    title: Title | None


class SpaceOut(Struct):
    provider: str
    model: str
    dim: int


class FoundOut(Struct):
    """A passage; a deleted document's has no `filename`, `heading` and `sha256`."""

    rank: int
    document_id: int
    version: int
    filename: str | None
    page: int
    start: int
    end: int
    heading: str | None
    sha256: str | None
    score: float
    dense: float
    lexical: float
    sent: bool


class SentOut(Struct):
    role: str
    content: str


class ParametersOut(Struct):
    model: str | None
    chat_deadline_seconds: int
    prompt_passages: int
    passage_tokens: int
    history_tokens: int


class ReceiptOut(Struct):
    """How an answer came about; it is stored in this shape."""

    message_id: str
    redacted: bool
    rewritten: str | None
    space: SpaceOut | None
    passages: list[FoundOut]
    messages: list[SentOut]
    model: str | None
    parameters: ParametersOut
    usage: dict[str, int] | None
    milliseconds: dict[str, float]
