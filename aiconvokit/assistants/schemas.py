"""Shapes of assistants on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aiconvokit.files.schemas import DocumentOut
from aiconvokit.rest.fields import LongText, ShortText, Timestamp
from aiconvokit.retrieval.glossary import MAX_ENTRIES, MAX_PHRASE_CHARACTERS, MAX_PHRASES
from ingestion.language import CONFIGURATIONS


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


_PHRASES = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": MAX_PHRASE_CHARACTERS},
    "minItems": 1,
    "maxItems": MAX_PHRASES,
}
_ENTRY = {
    "properties": {"says": _PHRASES, "means": _PHRASES},
    "required": ["says", "means"],
}
Language = Annotated[str, Meta(extra_json_schema={"enum": list(CONFIGURATIONS)})]
StoredEntry = Annotated[dict[str, list[str]], Meta(extra_json_schema=_ENTRY)]


class RetrievalUpdate(Struct):
    language: Language | None = None
    glossary: Annotated[list[StoredEntry], Meta(max_length=MAX_ENTRIES)] | None = None


class GlossaryEntry(Struct):
    says: list[str]
    means: list[str]


class RetrievalOut(Struct):
    language: str | None
    language_changing: bool
    glossary_source: Literal["built_in", "owner"]
    glossary: list[GlossaryEntry]
    languages: list[str]
