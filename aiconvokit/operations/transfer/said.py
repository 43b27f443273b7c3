"""What was said, as lines: conversations, their messages, and runs and responses in them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aiconvokit.operations.transfer.fields import (
    Amount,
    Dated,
    Id,
    Metadata,
    Milliseconds,
    Moment,
    Number,
    Score,
    Small,
    Visitor,
)

Counts = dict[str, Amount]


class Chat(Dated):
    """That a thread is a chat with an assistant; of a web site's visitor with `widget`."""

    number: Number
    assistant: Id
    created_at: Moment
    widget: Id | None
    visitor: Visitor | None


class Thread(Dated):
    """A conversation; `vector_store` is what is read in it besides what its assistants read."""

    id: Id
    number: Number
    title: str | None
    origin: Literal["api", "widget"]
    metadata: Metadata
    vector_store: Id | None
    created_at: Moment
    chat: Chat | None


class Citation(Struct, forbid_unknown_fields=True):
    """A proof: the quote is the page's text from `start` to `end`, in characters.

    `document_id` is a document's number. One that was deleted is cited by redacted answers only.
    """

    index: Amount
    document_id: Number
    version: Small
    filename: str
    page: Small
    quote: str
    start: Small
    end: Small


class Claim(Struct, forbid_unknown_fields=True):
    """A sentence of an answer, and the indices of the citations that prove it."""

    start: Small
    end: Small
    supported: bool
    reason: str | None
    citations: list[Amount]


class Space(Struct):
    """With which model passages were searched."""

    provider: str
    model: str
    dim: Small


class Found(Struct):
    """A passage that was found; a deleted document's has no name, heading and hash."""

    rank: Small
    document_id: Number
    version: Small
    filename: str | None
    page: Small
    start: Small
    end: Small
    heading: str | None
    sha256: str | None
    score: Score
    dense: Score
    lexical: Score
    sent: bool

    def __post_init__(self) -> None:
        """Refuse an end before the beginning: no text is cut like that."""
        if self.end < self.start:
            raise ValueError("it ends before it begins")


class Sent(Struct):
    """What a model was sent."""

    role: str
    content: str


class Settings(Struct):
    """How the server was set that answered."""

    model: str | None
    chat_deadline_seconds: Small
    prompt_passages: Small
    passage_tokens: Small
    history_tokens: Small


class Receipt(Struct):
    """How an answer came about."""

    message_id: str
    redacted: bool
    rewritten: str | None
    space: Space | None
    passages: list[Found]
    messages: list[Sent]
    model: str | None
    parameters: Settings
    usage: Counts | None
    milliseconds: dict[str, Milliseconds]


class Message(Dated):
    """One side of a turn.

    `attachments` are files that came with it or, of a conversation of `/v1`, the one item that it
    is: see `asked`. `receipt_documents` are numbers of the documents whose text the receipt holds.
    """

    id: Id
    number: Number
    thread: Id
    role: Literal["user", "assistant"]
    status: Literal["complete", "failed", "interrupted", "redacted"]
    content: str
    model: str | None
    finish_reason: str | None
    error_code: str | None
    usage: Counts | None
    citations: list[Citation] | None
    claims: list[Claim] | None
    milliseconds: dict[str, Milliseconds] | None
    rating: Annotated[int, Meta(ge=-1, le=1)] | None
    metadata: Metadata
    attachments: list[dict[str, Any]] | None
    created_at: Moment
    receipt: Receipt | None
    receipt_documents: list[Number] | None


class Run(Dated):
    """A turn that was asked for as a run, or as a response; `message` is its answer.

    `parameters` are what it was asked for with: see `asked`. In them `first_row` and `said` of the
    `rounds` are numbers of messages.
    """

    id: Id
    number: Number
    thread: Id
    assistant: str
    message: Id | None
    parameters: dict[str, Any]
    metadata: Metadata
    cancelled_at: Moment | None
    created_at: Moment
