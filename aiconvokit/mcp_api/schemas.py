"""What the tools take and tell."""

from typing import Annotated

from msgspec import Meta, Struct

from aiconvokit.rest.fields import Id, LongText
from aiconvokit.retrieval.schemas import SearchResult


class ListArguments(Struct):
    after: Annotated[int, Meta(ge=0, description="`next_after` of the page before.")] | None = None


class SearchArguments(Struct):
    assistant_id: Annotated[Id, Meta(description="Whose documents; see list_assistants.")]
    query: Annotated[LongText, Meta(description="A question or words, in any language.")]
    limit: Annotated[int, Meta(ge=1, le=50, description="Most passages.")] = 8


class AskArguments(Struct):
    assistant_id: Annotated[Id, Meta(description="Who is asked; see list_assistants.")]
    question: LongText
    chat_id: Annotated[Id, Meta(description="Goes on with an earlier answer's chat.")] | None = None


class AssistantShown(Struct):
    id: int
    name: str
    company_name: str
    purpose: str


class Assistants(Struct):
    assistants: list[AssistantShown]
    next_after: int | None


class FoundPassage(SearchResult):
    uri: str


class FoundPassages(Struct):
    passages: list[FoundPassage]
