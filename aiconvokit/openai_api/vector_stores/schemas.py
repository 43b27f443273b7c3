"""Vector stores, their files and batches of them, as the OpenAI wire has them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from aiconvokit.errors import InvalidFields
from aiconvokit.files.attaching import AUTO
from aiconvokit.files.schemas import Key, Text
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.rest.fields import JsonBody
from ingestion.attributes import MAX_KEYS, Attributes, BadAttributes, check_attributes
from ingestion.chunk.pack import MOST_TOKENS
from ingestion.cutting import MOST, OVERLAP

MAX_FILES = 2_000
"""Of one call: OpenAI's own bound of a batch."""
MAX_STORE_NAME = 256

CAPPED = f"passages have at most {MOST_TOKENS} tokens, whatever is asked for"
"""What of a chunking strategy is not followed."""

Status = Literal["in_progress", "completed", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = ("in_progress", "completed", "failed", "cancelled")

AttributesIn = Annotated[dict[Key, Text | int | float | bool], Meta(max_length=MAX_KEYS)]
Values = dict[str, str | float | bool]
"""Whole numbers are among the floats: a schema with both would say that it is one of the two."""
FileIds = Annotated[list[str], Meta(max_length=MAX_FILES)]


class Sizes(Struct):
    """Of passages, in tokens."""

    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0, le=2048)]


class AutoChunking(Struct, tag_field="type", tag="auto"):
    """Passages are cut as the server chooses."""


class StaticChunking(Struct, tag_field="type", tag="static"):
    """Passages of one size."""

    static: Sizes


ChunkingStrategy = AutoChunking | StaticChunking


class OtherChunking(Struct, tag_field="type", tag="other"):
    """Passages were cut as the server chose: about 350 tokens, tables whole up to 560."""


class ExpiresAfter(Struct):
    """After how many days without use."""

    days: Annotated[int, Meta(ge=1, le=365)]
    anchor: Literal["last_active_at"]


class NewVectorStore(JsonBody):
    """A vector store to be made."""

    name: Annotated[str, Meta(max_length=MAX_STORE_NAME)] | None = None
    file_ids: FileIds | None = None
    chunking_strategy: ChunkingStrategy | None = None
    expires_after: ExpiresAfter | None = None
    metadata: Metadata | None = None


class VectorStoreUpdate(JsonBody):
    """What is to change of one; null takes away what was there."""

    name: Annotated[str, Meta(max_length=MAX_STORE_NAME)] | UnsetType | None = UNSET
    expires_after: ExpiresAfter | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET


class FileCounts(Struct):
    """How many files stand how."""

    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStoreOut(Struct):
    """A vector store."""

    id: str
    created_at: int
    name: str
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    expires_after: ExpiresAfter | None
    expires_at: int | None
    last_active_at: int
    metadata: dict[str, str]
    object: Literal["vector_store"] = "vector_store"


class VectorStoreDeleted(Struct):
    """What is left of one."""

    id: str
    deleted: Literal[True] = True
    object: Literal["vector_store.deleted"] = "vector_store.deleted"


class NewStoreFile(JsonBody):
    """A file to be attached."""

    file_id: str
    attributes: AttributesIn | None = None
    chunking_strategy: ChunkingStrategy | None = None


class StoreFileUpdate(JsonBody):
    """The attributes that an attached file is to have; null: none."""

    attributes: AttributesIn | None


class LastError(Struct):
    """Why a file could not be read."""

    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class StoreFileOut(Struct):
    """A file in a vector store; `usage_bytes` is the file's size, once it was read."""

    id: str
    created_at: int
    usage_bytes: int
    vector_store_id: str
    status: Status
    last_error: LastError | None
    attributes: Values
    chunking_strategy: StaticChunking | OtherChunking
    object: Literal["vector_store.file"] = "vector_store.file"


class StoreFileDeleted(Struct):
    """What is left of one."""

    id: str
    deleted: Literal[True] = True
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"


class TextOut(Struct):
    """A piece of text."""

    text: str
    type: Literal["text"] = "text"


class StoreFileContent(Struct):
    """What was read of a file: one text a page."""

    data: list[TextOut]
    has_more: Literal[False] = False
    next_page: None = None
    object: Literal["vector_store.file_content.page"] = "vector_store.file_content.page"


class NewBatch(JsonBody):
    """Files to be attached with one call: `file_ids`, or `files`."""

    file_ids: FileIds | None = None
    files: Annotated[list[NewStoreFile], Meta(max_length=MAX_FILES)] | None = None
    attributes: AttributesIn | None = None
    chunking_strategy: ChunkingStrategy | None = None


class BatchOut(Struct):
    """Files that were attached with one call."""

    id: str
    created_at: int
    vector_store_id: str
    status: Status
    file_counts: FileCounts
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"


def chunking_of(
    wanted: ChunkingStrategy | None, place: str = "chunking_strategy"
) -> Mapping[str, int] | None:
    """A strategy as a document keeps it; None: nothing was said.

    Raises:
        InvalidFields: passages would overlap by more than half.
    """
    if wanted is None:
        return None
    if isinstance(wanted, AutoChunking):
        return AUTO
    sizes = wanted.static
    if sizes.chunk_overlap_tokens * 2 > sizes.max_chunk_size_tokens:
        why = "it must not exceed half of max_chunk_size_tokens."
        raise InvalidFields({f"{place}.static.chunk_overlap_tokens": [why]})
    return {MOST: sizes.max_chunk_size_tokens, OVERLAP: sizes.chunk_overlap_tokens}


def show_chunking(kept: Mapping[str, int] | None) -> StaticChunking | OtherChunking:
    """What a document keeps, as it was asked for."""
    return StaticChunking(Sizes(kept[MOST], kept[OVERLAP])) if kept else OtherChunking()


def attributes_of(given: Mapping[str, Any] | None, place: str = "attributes") -> Attributes | None:
    """Attributes as they are stored; None: nothing was said.

    Raises:
        InvalidFields: they break a limit.
    """
    if given is None:
        return None
    try:
        return check_attributes(given)
    except BadAttributes as error:
        raise InvalidFields({place: [str(error)]}) from error
