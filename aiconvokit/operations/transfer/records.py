"""What the lines of an export are: one JSON object each, a file for each kind.

Objects name each other by their public ids. `number` is the id of `/api/v1` where that shows one;
elsewhere it only says what came first. What comes from an export is untrusted: these shapes bound
all that reaches the database; those of what was said are in `said`. docs/export.md says the same to
people.
"""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aiconvokit.accounts.deletions import Kind, Removed
from aiconvokit.operations.transfer.fields import (
    Amount,
    Dated,
    Days,
    Id,
    Language,
    MediaType,
    Metadata,
    Moment,
    Number,
    Sha256,
    Small,
    Version,
    Visitor,
)
from aiconvokit.operations.transfer.said import Message, Run, Thread

TSVECTOR = r"\A(?:'(?:[^'\\]|''|\\\\)+'(?:[:,][1-9]\d{0,4}[A-D]?)*(?: (?!\Z)|\Z))*\Z"
"""What Postgres writes, and reads again: words in quotes, each with its places."""


class File(Dated):
    """An uploaded file; its bytes are `originals/ab/abcdef…`. Without a purpose: of documents."""

    id: Id
    number: Number
    sha256: Sha256
    size: Amount
    filename: str
    media_type: MediaType
    purpose: str | None
    created_at: Moment


class VectorStore(Dated):
    """Documents that are searched together; `language` is a text search configuration."""

    id: Id
    number: Number
    name: str
    language: Language | None
    metadata: Metadata
    expires_after_days: Days | None
    last_active_at: Moment
    created_at: Moment


class Document(Dated):
    """A file in a vector store.

    `version` is the newest one, `ready_version` the one whose pages and passages are here (null:
    none). `search_words` are those by which questions may name it, as a `tsvector`. Passwords stay
    behind; `had_password` says that there was one.
    """

    id: Id
    number: Number
    vector_store: Id
    file: Id
    filename: str
    media_type: MediaType
    title: str
    version: Version
    ready_version: Version | None
    status: Literal["ready", "queued", "failed"]
    error_code: str | None
    error_detail: str | None
    page_count: Small | None
    attributes: dict[str, Any]
    chunking: dict[str, Any] | None
    search_words: Annotated[str, Meta(pattern=TSVECTOR, max_length=100_000)]
    had_password: bool
    created_at: Moment
    updated_at: Moment


class Page(Struct):
    """A page's text, which citations point into; old versions are here where an answer may cite."""

    document: Id
    version: Small
    number: Small
    label: str | None
    text: str


class Passage(Struct):
    """What is found of a document: the page's text from `start` to `end`, in characters."""

    document: Id
    ordinal: Small
    page: Small
    start: Small
    end: Small
    heading: str
    context: str
    number_density: float
    tokens: Small


class Chunking(Struct, forbid_unknown_fields=True):
    """How a document's passages are to be cut, in tokens; the names are those of the OpenAI wire.

    An empty object: as the server chooses.
    """

    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0, le=2048)]

    def __post_init__(self) -> None:
        """Refuse passages that would never come to an end."""
        if self.chunk_overlap_tokens * 2 > self.max_chunk_size_tokens:
            raise ValueError("passages would overlap by more than half")


class Batch(Dated):
    """Files that were put into a vector store with one call."""

    id: Id
    number: Number
    vector_store: Id
    documents: list[Id]
    cancelled_at: Moment | None
    created_at: Moment


class Read(Struct):
    """A vector store that an assistant reads; `position` 0 is its own."""

    id: Id
    position: Small


class Assistant(Dated):
    """An assistant, and what it reads."""

    id: Id
    number: Number
    name: str
    company_name: str
    instructions: str
    glossary: list[dict[str, Any]] | None
    description: str | None
    model: str | None
    searches: bool
    options: dict[str, Any]
    metadata: Metadata
    vector_stores: list[Read]
    created_at: Moment
    updated_at: Moment


class Spent(Struct):
    """What was spent at a widget on a day (UTC), by one visitor; by all where `visitor` is ""."""

    day: date
    visitor: Visitor
    messages: Amount
    tokens: Amount


class Widget(Dated):
    """A widget; its id is the key that stands in web sites."""

    id: Id
    number: Number
    assistant: Id
    title: str
    color: str
    greeting: str
    suggestions: list[str]
    language: str
    origins: list[str]
    shows_pictures: bool
    is_paused: bool
    messages_per_day: Small
    tokens_per_day: Amount
    visitor_messages_per_day: Small
    visitor_tokens_per_day: Amount
    created_at: Moment
    updated_at: Moment
    usage: list[Spent]


class Usage(Struct):
    """What was asked of an assistant on a day (UTC): 0 is none, a deleted one has its number."""

    day: date
    assistant: Amount
    questions: Amount
    prompt_tokens: Amount
    completion_tokens: Amount


class Deletion(Dated):
    """What one DELETE removed: numbers, never names or contents."""

    number: Number
    kind: Kind
    object_number: Number
    public_id: Annotated[str, Meta(max_length=250)] | None
    removed: Removed
    created_at: Moment


Record = (
    File
    | VectorStore
    | Document
    | Page
    | Passage
    | Batch
    | Assistant
    | Widget
    | Thread
    | Message
    | Run
    | Usage
    | Deletion
)

KINDS: dict[str, type[Record]] = {
    "files": File,
    "vector_stores": VectorStore,
    "documents": Document,
    "pages": Page,
    "passages": Passage,
    "batches": Batch,
    "assistants": Assistant,
    "widgets": Widget,
    "threads": Thread,
    "messages": Message,
    "runs": Run,
    "usage": Usage,
    "deletions": Deletion,
}
"""By the name of their file, without `.jsonl`."""
