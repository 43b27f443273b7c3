"""Vector stores, their files and batches as they are shown."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.errors import InvalidFields
from aiconvokit.files import expiry
from aiconvokit.openai_api.cursors import seconds
from aiconvokit.openai_api.tables import FileBatch
from aiconvokit.openai_api.vector_stores import queries
from aiconvokit.openai_api.vector_stores.queries import StoreFile, Usage
from aiconvokit.openai_api.vector_stores.schemas import (
    STATUSES,
    BatchOut,
    ExpiresAfter,
    FileCounts,
    LastError,
    Status,
    StoreFileOut,
    VectorStoreOut,
    show_chunking,
)
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.lists import query_value
from ingestion.attributes import loaded
from ingestion.store import CANCELLED
from ingestion.tables import Collection, Document

STATUS_FILTER = {"filter": {"type": "string", "enum": list(STATUSES)}}

ErrorCode = Literal["server_error", "unsupported_file", "invalid_file"]
ERROR_CODES: Mapping[str, ErrorCode] = MappingProxyType(
    {
        "unsupported": "unsupported_file",
        **dict.fromkeys(
            (
                *("encrypted", "corrupt", "no_text", "too_complex", "too_many_pages"),
                *("timeout", "memory", "parser_crashed", "input_too_long"),
            ),
            "invalid_file",
        ),
    }
)
"""By our own; what is not here is no fault of the file's."""


def read_status(request: ApiRequest) -> Status | None:
    """Which files of a list are wanted; None: all.

    Raises:
        InvalidFields: there is no such status.
    """
    given = query_value(request, "filter")
    if not given:
        return None
    for status in STATUSES:
        if status == given:
            return status
    raise InvalidFields({"filter": [f"it must be one of {', '.join(STATUSES)}."]})


async def show_stores(
    session: AsyncSession, collections: Sequence[Collection]
) -> list[VectorStoreOut]:
    """Some vector stores on the wire, in their order."""
    used = await queries.usage_of(session, [one.id for one in collections])
    return [_show_store(one, used[one.id]) for one in collections]


def _show_store(collection: Collection, usage: Usage) -> VectorStoreOut:
    end, days = expiry.expires_at(collection), collection.expires_after_days
    return VectorStoreOut(
        id=collection.public_id,
        created_at=seconds(collection.created_at),
        name=collection.name,
        usage_bytes=usage.used_bytes,
        file_counts=usage.counts,
        status=_store_status(collection, usage.counts),
        expires_after=None if days is None else ExpiresAfter(days, "last_active_at"),
        expires_at=None if end is None else seconds(end),
        last_active_at=seconds(collection.last_active_at),
        metadata=collection.metadata_,
    )


def _store_status(
    collection: Collection, counts: FileCounts
) -> Literal["expired", "in_progress", "completed"]:
    if expiry.is_expired(collection):
        return "expired"
    return "in_progress" if counts.in_progress else "completed"


def show_store_file(collection: Collection, found: StoreFile) -> StoreFileOut:
    """A file in a vector store on the wire."""
    document = found.document
    return StoreFileOut(
        id=found.file_id,
        created_at=seconds(document.created_at),
        usage_bytes=0 if document.ready_version is None else found.size,
        vector_store_id=collection.public_id,
        status=_file_status(document),
        last_error=_last_error(document),
        attributes=loaded(document.attributes),
        chunking_strategy=show_chunking(document.chunking),
    )


def _file_status(document: Document) -> Status:
    if document.status == "failed":
        return "cancelled" if document.error_code == CANCELLED else "failed"
    return "completed" if document.status == "ready" else "in_progress"


def _last_error(document: Document) -> LastError | None:
    """Null while a document waits to be tried again: its helpers would take it for the end."""
    if _file_status(document) != "failed":
        return None
    code = ERROR_CODES.get(document.error_code or "", "server_error")
    return LastError(code, document.error_detail or "")


async def show_batch(session: AsyncSession, collection: Collection, batch: FileBatch) -> BatchOut:
    """A batch on the wire."""
    counts = await queries.batch_counts(session, batch.id)
    return BatchOut(
        id=batch.public_id,
        created_at=seconds(batch.created_at),
        vector_store_id=collection.public_id,
        status=_batch_status(batch, counts),
        file_counts=counts,
    )


def _batch_status(batch: FileBatch, counts: FileCounts) -> Status:
    if batch.cancelled_at is not None:
        return "cancelled"
    if counts.in_progress:
        return "in_progress"
    return "failed" if counts.total and counts.failed == counts.total else "completed"
