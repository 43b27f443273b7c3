"""The tools of assistants and runs: `file_search`, and functions of the client's program."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from aiconvokit.assistants.tables import Assistant
from aiconvokit.errors import InvalidFields
from aiconvokit.llm.functions import AUTO, NONE, REQUIRED, Function, Offered

FILE_SEARCH = "file_search"
FUNCTION = "function"
CODE_INTERPRETER = "code_interpreter"
MAX_TOOLS = 128
LONGEST_DESCRIPTION = 4_096
MAX_SCHEMA = 32_768
"""Characters of a function's parameters: each takes its place in every prompt."""
NO_OBJECT = 'it must be a JSON schema with "type": "object".'


class Ranking(Struct):
    """How passages are chosen; `score_threshold` is of the fused score, 0..1."""

    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    ranker: str = "auto"


class SearchOptions(Struct, omit_defaults=True):
    """What a search is limited to."""

    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: Ranking | None = None


# `$` alone would let a line break pass.
FunctionName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$(?!\n)")]
Description = Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)]


class FunctionTool(Struct):
    """A function of the client's program; `parameters` are a JSON schema."""

    name: FunctionName
    description: Description | UnsetType | None = UNSET
    parameters: dict[str, Any] | UnsetType | None = UNSET
    strict: bool | UnsetType | None = UNSET


class Tool(Struct, omit_defaults=True):
    """A tool as it is asked for."""

    type: str
    file_search: SearchOptions | None = None
    function: FunctionTool | UnsetType = UNSET


Tools = Annotated[list[Tool], Meta(max_length=MAX_TOOLS)]


def not_offered(kind: str) -> str:
    """What is said of any other tool."""
    return f"'{kind}' is not offered by this server: only {FILE_SEARCH} and {FUNCTION} are."


def tools_of(assistant: Assistant) -> list[dict[str, Any]]:
    """An assistant's tools as they are kept and shown; the search where none were ever named."""
    default = [{"type": FILE_SEARCH}] if assistant.searches else []
    kept: list[dict[str, Any]] = assistant.options.get("tools", default)
    return kept


def checked(tools: Sequence[Tool], place: str = "tools") -> list[dict[str, Any]]:
    """The tools as they are kept and shown.

    Raises:
        InvalidFields: one of them is not offered, or no function that can be called.
    """
    names: set[str] = set()
    for index, tool in enumerate(tools):
        here = f"{place}[{index}]"
        if tool.type == FUNCTION:
            _check_function(tool.function, names, f"{here}.function")
        elif tool.type != FILE_SEARCH:
            raise InvalidFields({f"{here}.type": [not_offered(tool.type)]})
    return [dict(msgspec.to_builtins(_alone(tool))) for tool in tools]


def _alone(tool: Tool) -> Tool:
    """A tool without what is said of another kind."""
    if tool.type == FUNCTION:
        return Tool(tool.type, function=tool.function)
    return Tool(tool.type, file_search=tool.file_search)


def _check_function(function: FunctionTool | UnsetType, names: set[str], place: str) -> None:
    if isinstance(function, UnsetType):
        raise InvalidFields({place: ["it is required."]})
    if function.name in names:
        raise InvalidFields({f"{place}.name": ["each function has a name of its own."]})
    names.add(function.name)
    check_parameters(function.parameters, f"{place}.parameters")


def check_parameters(parameters: dict[str, Any] | UnsetType | None, place: str) -> None:
    """Check what a function takes.

    Raises:
        InvalidFields: it is no schema of an object, or too long.
    """
    if not isinstance(parameters, dict):
        return
    if parameters and parameters.get("type") != "object":
        raise InvalidFields({place: [NO_OBJECT]})
    if len(msgspec.json.encode(parameters)) > MAX_SCHEMA:
        raise InvalidFields({place: [f"it has at most {MAX_SCHEMA} bytes."]})


def options_in(tools: Sequence[dict[str, Any]]) -> SearchOptions | None:
    """The options of the search among some kept tools; None: it is not among them."""
    for tool in tools:
        if tool["type"] == FILE_SEARCH:
            return msgspec.convert(tool.get(FILE_SEARCH) or {}, SearchOptions)
    return None


def functions_in(tools: Sequence[dict[str, Any]]) -> tuple[Function, ...]:
    """The functions among some kept tools."""
    kept = [tool[FUNCTION] for tool in tools if tool["type"] == FUNCTION]
    names = ("name", "description", "parameters", "strict")
    return tuple(Function(*(one.get(name) for name in names)) for one in kept)


def offered_in(
    tools: Sequence[dict[str, Any]], choice: object, *, parallel: bool
) -> Offered | None:
    """What a model may call of some kept tools; None: nothing.

    Args:
        tools: as they are kept.
        choice: a choice that was checked.
        parallel: whether it may call several at once.
    """
    functions = functions_in(tools)
    if not functions or choice == NONE:
        return None
    named = function_named(choice)
    return Offered(functions, named or (REQUIRED if choice == REQUIRED else AUTO), parallel)


def function_named(choice: object) -> str | None:
    """The name of the function that a choice asks for."""
    if not isinstance(choice, dict) or choice.get("type") != FUNCTION:
        return None
    function = choice.get(FUNCTION)
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def check_choice(choice: object) -> None:
    """Check which tool a run is to use: auto, none, required, the search, or a function by name.

    Raises:
        InvalidFields: it is another one.
    """
    if choice in (None, AUTO, NONE, REQUIRED) or choice == {"type": FILE_SEARCH}:
        return
    if function_named(choice) is not None:
        return
    why = (
        f'it must be auto, none, required, {{"type": "{FILE_SEARCH}"}} or '
        f'{{"type": "{FUNCTION}", "function": {{"name": …}}}}.'
    )
    raise InvalidFields({"tool_choice": [why]})


def check_named(choice: object, tools: Sequence[dict[str, Any]]) -> None:
    """Check that a function that is asked for by its name is among some kept tools.

    Raises:
        InvalidFields: it is not.
    """
    name = function_named(choice)
    if name is not None and name not in {one.name for one in functions_in(tools)}:
        raise InvalidFields({"tool_choice": [f"no function '{name}' is among the tools."]})
