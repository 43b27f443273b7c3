"""Rows of the database from records of an export, with the numbers of this server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from aiconvokit.accounts.queries import NO_ASSISTANT
from aiconvokit.operations.transfer.known import LISTS, OBJECTS
from aiconvokit.operations.transfer.numbers import Plan, renamed_rows
from aiconvokit.operations.transfer.putting_queries import json
from aiconvokit.operations.transfer.records import (
    Assistant,
    Batch,
    Deletion,
    Document,
    File,
    Usage,
    VectorStore,
    Widget,
)
from aiconvokit.operations.transfer.said import Message, Run, Thread

IMPORTING = "importing"
"""Error code of a document whose passages are on their way: no worker takes it up."""
_IMPORTED = "This document is being imported. If that was cut off: run the import again."

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes rows; `number` gives the number here of an object by table and public id."""

    owner_id: int
    plan: Plan
    number: Callable[[str, str], int]

    def store(self, one: VectorStore) -> Row:
        """A vector store, without documents."""
        return {
            "id": self.number("collection", one.id),
            "public_id": one.id,
            "owner_id": self.owner_id,
            "name": one.name,
            "language": one.language,
            "metadata": json(one.metadata),
            "expires_after_days": one.expires_after_days,
            "last_active_at": one.last_active_at,
            "created_at": one.created_at,
        }

    def file(self, one: File) -> Row:
        """A file, whose bytes are in storage."""
        return {
            "id": self.number("file", one.id),
            "public_id": one.id,
            "owner_id": self.owner_id,
            "sha256": bytes.fromhex(one.sha256),
            "size": one.size,
            "filename": one.filename,
            "media_type": one.media_type,
            "purpose": one.purpose,
            "created_at": one.created_at,
        }

    def document(self, one: Document) -> Row:
        """A document: as it was; one with passages as being on its way in, in their version."""
        is_on_its_way = one.ready_version is not None
        return {
            "id": self.number("document", one.id),
            "public_id": one.id,
            "collection_id": self.number("collection", one.vector_store),
            "file_id": self.number("file", one.file),
            "filename": one.filename,
            "media_type": one.media_type,
            "title": one.title,
            "version": one.ready_version or one.version,
            "status": "processing" if is_on_its_way else one.status,
            "error_code": IMPORTING if is_on_its_way else one.error_code,
            "error_detail": _IMPORTED if is_on_its_way else one.error_detail,
            "page_count": one.page_count,
            "attributes": json(one.attributes),
            "chunking": json(one.chunking),
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def finished(self, one: Document) -> Row:
        """How a document stands once its passages are in."""
        return {
            "id": self.number("document", one.id),
            "carried": one.ready_version,
            "version": one.version,
            "status": one.status,
            "error_code": one.error_code,
            "error_detail": one.error_detail,
            "page_count": one.page_count,
            "names": one.search_words,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def batch(self, one: Batch) -> Row:
        """A batch, without its documents."""
        return {
            "id": self.number("file_batch", one.id),
            "public_id": one.id,
            "collection_id": self.number("collection", one.vector_store),
            "cancelled_at": one.cancelled_at,
            "created_at": one.created_at,
        }

    def assistant(self, one: Assistant) -> Row:
        """An assistant, without what it reads."""
        return {
            "id": self.number("assistant", one.id),
            "openai_id": one.id,
            "owner_id": self.owner_id,
            "name": one.name,
            "company_name": one.company_name,
            "instructions": one.instructions,
            "glossary": json(one.glossary),
            "description": one.description,
            "model": one.model,
            "searches": one.searches,
            "options": json(one.options),
            "metadata": json(one.metadata),
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }

    def widget(self, one: Widget) -> Row:
        """A widget, without what was spent at it."""
        changed = {
            "id": self.number("widget", one.id),
            "key": one.id,
            "owner_id": self.owner_id,
            "assistant_id": self.number("assistant", one.assistant),
        }
        fields = msgspec.structs.asdict(one)
        del fields["number"], fields["assistant"], fields["usage"]
        return fields | changed

    def thread(self, one: Thread) -> Row:
        """A thread, free and without messages."""
        store = one.vector_store
        return {
            "id": self.number("thread", one.id),
            "public_id": one.id,
            "owner_id": self.owner_id,
            "title": one.title,
            "origin": one.origin,
            "metadata": json(one.metadata),
            "collection_id": None if store is None else self.number("collection", store),
            "created_at": one.created_at,
        }

    def message(self, one: Message) -> Row:
        """A message, without its receipt."""
        cited = None if one.citations is None else msgspec.to_builtins(one.citations)
        for citation in cited or []:
            citation["document_id"] = self.plan.new("document", citation["document_id"])
        return {
            "id": self.plan.new("message", one.number),
            "public_id": one.id,
            "thread_id": self.number("thread", one.thread),
            "role": one.role,
            "status": one.status,
            "content": one.content,
            "model": one.model,
            "finish_reason": one.finish_reason,
            "error_code": one.error_code,
            "usage": json(one.usage),
            "citations": json(cited),
            "claims": json(None if one.claims is None else msgspec.to_builtins(one.claims)),
            "milliseconds": json(one.milliseconds),
            "rating": one.rating,
            "metadata": json(one.metadata),
            "attachments": json(one.attachments),
            "created_at": one.created_at,
        }

    def receipt(self, one: Message) -> Row:
        """How an answer came about; there must be a receipt."""
        content: Row = msgspec.to_builtins(one.receipt)
        for found in content["passages"]:
            found["document_id"] = self.plan.new("document", found["document_id"])
        held = [self.plan.new("document", number) for number in one.receipt_documents or ()]
        return {
            "message_id": self.plan.new("message", one.number),
            "document_ids": held,
            "content": json(content),
        }

    def run(self, one: Run, said: Mapping[int, int]) -> Row:
        """A run; `said` are the messages of its thread, old number -> new one."""
        return {
            "id": self.number("run", one.id),
            "public_id": one.id,
            "thread_id": self.number("thread", one.thread),
            "assistant_id": one.assistant,
            "message_id": None if one.message is None else self.number("message", one.message),
            "parameters": json(renamed_rows(one.parameters, said)),
            "metadata": json(one.metadata),
            "cancelled_at": one.cancelled_at,
            "created_at": one.created_at,
        }

    def usage(self, one: Usage) -> tuple[Any, ...]:
        """What was asked on a day."""
        is_nobodys = one.assistant == NO_ASSISTANT
        assistant = NO_ASSISTANT if is_nobodys else self.plan.new("assistant", one.assistant)
        spent = (one.questions, one.prompt_tokens, one.completion_tokens)
        return self.owner_id, one.day, assistant, *spent

    def deletion(self, one: Deletion) -> Row:
        """What was removed, under the numbers that would be its here."""
        removed: Row = msgspec.to_builtins(one.removed)
        for name, table in LISTS.items():
            removed[name] = [self.plan.new(table, number) for number in removed[name]]
        table = OBJECTS.get(one.kind, "")
        return {
            "id": self.plan.new("deletion", one.number),
            "owner_id": self.owner_id,
            "kind": one.kind,
            "object_id": self.plan.new(table, one.object_number) if table else one.object_number,
            "public_id": one.public_id,
            "removed": json(removed),
            "created_at": one.created_at,
        }
