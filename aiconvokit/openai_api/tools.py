"""The tools of assistants and runs: `file_search` is the one that is offered."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from aiconvokit.assistants.tables import Assistant
from aiconvokit.errors import InvalidFields

FILE_SEARCH = "file_search"
CODE_INTERPRETER = "code_interpreter"
MAX_TOOLS = 128


class Ranking(Struct):
    """How passages are chosen; `score_threshold` is of the fused score, 0..1."""

    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    ranker: str = "auto"


class SearchOptions(Struct, omit_defaults=True):
    """What a search is limited to."""

    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: Ranking | None = None


class Tool(Struct, omit_defaults=True):
    """A tool as it is asked for."""

    type: str
    file_search: SearchOptions | None = None


Tools = Annotated[list[Tool], Meta(max_length=MAX_TOOLS)]


def not_offered(kind: str) -> str:
    """What is said of any other tool."""
    return f"'{kind}' is not offered by this server: only {FILE_SEARCH} is."


def tools_of(assistant: Assistant) -> list[dict[str, Any]]:
    """An assistant's tools as they are kept and shown; the search where none were ever named."""
    default = [{"type": FILE_SEARCH}] if assistant.searches else []
    kept: list[dict[str, Any]] = assistant.options.get("tools", default)
    return kept


def checked(tools: Sequence[Tool], place: str = "tools") -> list[dict[str, Any]]:
    """The tools as they are kept and shown.

    Raises:
        InvalidFields: one of them is not offered.
    """
    for index, tool in enumerate(tools):
        if tool.type != FILE_SEARCH:
            raise InvalidFields({f"{place}[{index}].type": [not_offered(tool.type)]})
    return [dict(msgspec.to_builtins(tool)) for tool in tools]


def options_in(tools: Sequence[dict[str, Any]]) -> SearchOptions | None:
    """The options of the search among some kept tools; None: it is not among them."""
    for tool in tools:
        if tool["type"] == FILE_SEARCH:
            return msgspec.convert(tool.get(FILE_SEARCH) or {}, SearchOptions)
    return None


def check_choice(choice: object) -> None:
    """Check which tool a run is to use: auto, none, required, or the search by its name.

    Raises:
        InvalidFields: it is another one.
    """
    if choice in (None, "auto", "none", "required") or choice == {"type": FILE_SEARCH}:
        return
    why = f'it must be auto, none, required or {{"type": "{FILE_SEARCH}"}}.'
    raise InvalidFields({"tool_choice": [why]})
