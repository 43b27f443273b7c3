"""The tools of a response: the search of vector stores, and functions of the caller's program."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aiconvokit.errors import InvalidFields
from aiconvokit.llm.functions import AUTO, NONE, REQUIRED, Function, Offered
from aiconvokit.openai_api import bodies
from aiconvokit.openai_api.tool_resources import Stores
from aiconvokit.openai_api.tools import (
    FILE_SEARCH,
    FUNCTION,
    MAX_TOOLS,
    Description,
    FunctionName,
    Ranking,
    check_parameters,
)
from aiconvokit.retrieval.filters import BadFilter, Condition, compile_filter, parse_filter

Tools = Annotated[list[Any], Meta(max_length=MAX_TOOLS)]
CHOICE = (
    f'it must be auto, none, required, {{"type": "{FILE_SEARCH}"}}, or a function of tools by its '
    "name."
)


class FileSearch(Struct, omit_defaults=True):
    """A search as it is asked for; `score_threshold` is of the fused score, 0..1."""

    type: Literal["file_search"]
    vector_store_ids: Stores
    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: Ranking | None = None
    filters: dict[str, Any] | None = None


class FunctionTool(Struct):
    """A function as it is offered."""

    type: Literal["function"]
    name: FunctionName
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    description: Description | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tools of one response.

    `shown` are the tools as the response shows them. Not `searches`: no document is read. `where`
    is a condition on those that are.
    """

    shown: list[dict[str, Any]]
    choice: Any
    search: FileSearch | None
    searches: bool
    where: Condition | None
    offered: Offered | None

    @property
    def store_ids(self) -> Sequence[str]:
        """The vector stores to read."""
        return self.search.vector_store_ids if self.search and self.searches else ()


def read(given: Sequence[Any], choice: Any, *, parallel: bool) -> Wanted:
    """The tools of a body.

    Args:
        given: `tools`.
        choice: `tool_choice`.
        parallel: whether several functions may be called at once.

    Raises:
        InvalidFields: one of them is not offered, or is not as it must be.
    """
    found = [_tool(one, f"tools[{index}]") for index, one in enumerate(given)]
    searches = [index for index, one in enumerate(found) if isinstance(one, FileSearch)]
    if len(searches) > 1:
        why = "one search is enough: name all vector stores in it."
        raise InvalidFields({f"tools[{searches[1]}]": [why]})
    search = next((one for one in found if isinstance(one, FileSearch)), None)
    functions = [one for one in found if isinstance(one, FunctionTool)]
    filters = None if search is None else search.filters
    return Wanted(
        shown=[msgspec.to_builtins(one) for one in found],
        choice=choice or AUTO,
        search=search,
        searches=choice != NONE,
        where=None if filters is None else _condition(filters, f"tools[{searches[0]}].filters"),
        offered=_offered(functions, choice or AUTO, parallel=parallel),
    )


def _tool(given: Any, place: str) -> FileSearch | FunctionTool:
    match given.get("type") if isinstance(given, dict) else None:
        case "file_search":
            return bodies.convert(given, FileSearch, place)
        case "function":
            function = bodies.convert(given, FunctionTool, place)
            check_parameters(function.parameters, f"{place}.parameters")
            return function
        case other:
            raise InvalidFields({f"{place}.type": [not_offered(other)]})


def not_offered(kind: object) -> str:
    """What is said of any other tool."""
    return f"'{kind}' is not offered by this server: only {FILE_SEARCH} and {FUNCTION} are."


def _condition(filters: dict[str, Any], place: str) -> Condition:
    try:
        return compile_filter(parse_filter(filters))
    except BadFilter as error:
        raise InvalidFields({place: [str(error)]}) from error


def _offered(functions: Sequence[FunctionTool], choice: Any, *, parallel: bool) -> Offered | None:
    names = [one.name for one in functions]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidFields({"tools": [f"there are two functions '{name}'."]})
    chosen = _chosen(names, choice)
    if not functions:
        return None
    offered = tuple(
        Function(one.name, one.description, one.parameters, one.strict) for one in functions
    )
    return Offered(offered, chosen, parallel)


def _chosen(names: Sequence[str], choice: Any) -> str:
    """What the model is to do with the functions."""
    match choice:
        case "auto" | "none":
            return str(choice)
        case "required":
            return REQUIRED
        case {"type": "file_search"}:  # which is done, whatever else is
            return NONE
        case {"type": "function", "name": str(name)} if name in names:
            return name
        case _:
            raise InvalidFields({"tool_choice": [CHOICE]})
