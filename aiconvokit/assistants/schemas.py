"""Shapes of assistants on the wire."""

from msgspec import Struct

from aiconvokit.files.schemas import DocumentOut
from aiconvokit.rest.fields import LongText, ShortText, Timestamp


class NewAssistant(Struct):
    name: ShortText
    company_name: ShortText
    instructions: LongText


class AssistantUpdate(Struct):
    name: ShortText
    company_name: ShortText
    instructions: LongText
    new_name: ShortText | None = None


class AssistantOut(Struct):
    id: int
    openai_id: str
    absolute_url: str
    name: str
    company_name: str
    instructions: str
    created_at: Timestamp
    updated_at: Timestamp
    query_count: int
    files: str | None
    documents: list[DocumentOut]
