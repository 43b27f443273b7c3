"""`tool_resources` of assistants and threads: the vector stores that are read."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from aiconvokit.errors import InvalidFields
from aiconvokit.openai_api.bodies import Metadata
from aiconvokit.openai_api.tools import CODE_INTERPRETER, not_offered
from aiconvokit.openai_api.vector_stores.schemas import ChunkingStrategy, FileIds

MAX_STORES = 10
"""Of one assistant, where OpenAI allows one: every one is another search."""
Stores = Annotated[list[str], Meta(max_length=MAX_STORES)]


class NewStore(Struct):
    """A vector store that is made for whom it is named by."""

    file_ids: FileIds | None = None
    chunking_strategy: ChunkingStrategy | None = None
    metadata: Metadata | None = None


class CodeFiles(Struct):
    """Files for a tool that is not offered: there may be none."""

    file_ids: list[str] | None = None


class Searched(Struct):
    """The vector stores to read, by their ids or yet to be made."""

    vector_store_ids: Stores | UnsetType = UNSET
    vector_stores: Annotated[list[NewStore], Meta(max_length=1)] | UnsetType = UNSET


class SearchedByThread(Searched):
    """The one vector store of a thread, by its id or yet to be made."""

    vector_store_ids: Annotated[list[str], Meta(max_length=1)] | UnsetType = UNSET


class _WithCode(Struct):
    code_interpreter: CodeFiles | None = None


class Resources(_WithCode):
    """What the tools of an assistant work with."""

    file_search: Searched | UnsetType | None = UNSET


class ThreadResources(_WithCode):
    """What the tools work with in a thread."""

    file_search: SearchedByThread | UnsetType | None = UNSET


class StoreIds(Struct):
    """The vector stores that are read."""

    vector_store_ids: list[str]


class ResourcesOut(Struct):
    """What the tools work with."""

    file_search: StoreIds


def stores_of(wanted: Resources | ThreadResources | UnsetType | None) -> Searched | None:
    """The vector stores that a body names; None: it does not speak of them.

    Raises:
        InvalidFields: it has files for a tool that is not offered.
    """
    if wanted is UNSET or wanted is None:
        return _none_or_unsaid(wanted)
    if wanted.code_interpreter and wanted.code_interpreter.file_ids:
        why = not_offered(CODE_INTERPRETER)
        raise InvalidFields({"tool_resources.code_interpreter": [why]})
    searched = wanted.file_search
    if searched is UNSET or searched is None:
        return _none_or_unsaid(searched)
    is_said = (searched.vector_store_ids, searched.vector_stores) != (UNSET, UNSET)
    return searched if is_said else None


def _none_or_unsaid(value: UnsetType | None) -> Searched | None:
    """Null names no vector store; nothing at all says nothing of them."""
    return Searched([]) if value is None else None
