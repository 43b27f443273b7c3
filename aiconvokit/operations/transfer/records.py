"""What the lines of an export are: one JSON object each, a file for each kind.

Objects name each other by their public ids. `number` is the id of `/api/v1` where that shows one;
elsewhere it only says what came first. What comes from an export is untrusted: these shapes bound
all that reaches the database. docs/export.md says the same to people.
"""

from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from ingestion.language import CONFIGURATIONS

MOST = 2**40
"""Larger numbers are nobody's: they would use up those that a server can still give."""

Id = Annotated[str, Meta(pattern=r"\A[a-z]+[_-][0-9A-Za-z_-]{1,100}\Z")]
Number = Annotated[int, Meta(ge=1, le=MOST)]
Amount = Annotated[int, Meta(ge=0, le=MOST)]
Small = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Word = Annotated[str, Meta(pattern=r"\A[a-z_]{1,40}\Z")]
MediaType = Annotated[str, Meta(pattern=r"\A[a-z]+/[0-9A-Za-z.+-]{1,100}\Z")]
Moment = Annotated[datetime, Meta(tz=True)]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Language = Annotated[str, Meta(pattern=rf"\A({'|'.join(CONFIGURATIONS)})\Z")]
Metadata = dict[str, str]


class File(Struct):
    """An uploaded file; its bytes are `originals/ab/abcdef…`. Without a purpose: of documents."""

    id: Id
    number: Number
    sha256: Sha256
    size: Amount
    filename: str
    media_type: MediaType
    purpose: str | None
    created_at: Moment


class VectorStore(Struct):
    """Documents that are searched together; `language` is a text search configuration."""

    id: Id
    number: Number
    name: str
    language: Language | None
    metadata: Metadata
    expires_after_days: Small | None
    last_active_at: Moment
    created_at: Moment


class Document(Struct):
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
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    ready_version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None
    status: Annotated[str, Meta(pattern=r"\A(ready|queued|failed)\Z")]
    error_code: str | None
    error_detail: str | None
    page_count: Small | None
    attributes: dict[str, Any]
    chunking: dict[str, Small] | None
    search_words: str
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


class Batch(Struct):
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


class Assistant(Struct):
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
    visitor: str
    messages: Amount
    tokens: Amount


class Widget(Struct):
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


class Chat(Struct):
    """That a thread is a chat with an assistant; of a web site's visitor with `widget`."""

    number: Number
    assistant: Id
    created_at: Moment
    widget: Id | None
    visitor: str | None


class Thread(Struct):
    """A conversation; `vector_store` is what is read in it besides what its assistants read."""

    id: Id
    number: Number
    title: str | None
    origin: Word
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


class Message(Struct):
    """One side of a turn; `receipt` is how an answer came about.

    `receipt_documents` are numbers of the documents whose text the receipt holds.
    """

    id: Id
    number: Number
    thread: Id
    role: Word
    status: Word
    content: str
    model: str | None
    finish_reason: str | None
    error_code: str | None
    usage: dict[str, Amount] | None
    citations: list[Citation] | None
    claims: list[Claim] | None
    milliseconds: dict[str, float] | None
    rating: Annotated[int, Meta(ge=-1, le=1)] | None
    metadata: Metadata
    attachments: list[dict[str, Any]] | None
    created_at: Moment
    receipt: dict[str, Any] | None
    receipt_documents: list[Number] | None


class Run(Struct):
    """A turn that was asked for as a run, or as a response; `message` is its answer.

    `parameters` are what it was asked for with. In them `first_row` and `said` of the `rounds` are
    numbers of messages.
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


class Usage(Struct):
    """What was asked of an assistant on a day (UTC): 0 is none, a deleted one has its number."""

    day: date
    assistant: Amount
    questions: Amount
    prompt_tokens: Amount
    completion_tokens: Amount


class Deletion(Struct):
    """What one DELETE removed: numbers, never names or contents."""

    number: Number
    kind: Word
    object_number: Number
    public_id: Annotated[str, Meta(max_length=250)] | None
    removed: dict[str, Any]
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
