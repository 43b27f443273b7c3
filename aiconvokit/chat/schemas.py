"""Shapes of chats on the wire."""

from msgspec import Struct

from aiconvokit.rest.fields import Id, LongText, Timestamp


class NewChat(Struct):
    assistant_id: Id


class Ask(Struct):
    assistant_id: Id
    input: LongText


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


class AnswerOut(Struct):
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


class MessageOut(Struct):
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


class ChatDetail(Struct):
    id: int
    absolute_url: str
    thread_id: str
    assistant_id: int
    created_at: Timestamp
    messages: list[MessageOut]
