"""What an assistant, a run or a response was asked for with, as it is kept: JSON in their lines.

It is carried as it is, so whoever shows it on the wire must find in it what the wire's own code put
there. That stands beside this room: tests compare the shapes with its own.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from aiconvokit.operations.transfer.fields import LAST, Amount, Number, Second, Small

DEEPEST = 110
"""Of lists and objects within each other: requests may have 100, and stand in others here."""

Temperature = Annotated[float, Meta(ge=0, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]
Uuid = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]


class Ranking(Struct):
    """How passages are chosen."""

    score_threshold: Share = 0.0
    ranker: str = "auto"


class Search(Struct):
    """What a search is limited to."""

    max_num_results: Annotated[int, Meta(ge=1, le=50)] | None = None
    ranking_options: Ranking | None = None


class Function(Struct):
    """A function of the client's program."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct):
    """A tool of an assistant or a run."""

    type: Literal["file_search", "function"]
    file_search: Search | None = None
    function: Function | None = None

    def __post_init__(self) -> None:
        """Refuse a function without its name."""
        if self.type == "function" and self.function is None:
            raise ValueError("a function must say which one it is")


class ResponseFormat(Struct):
    """How an answer is to be written."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class Options(Struct):
    """Of an assistant."""

    tools: list[Tool] = []
    temperature: Temperature | None = None
    top_p: Share | None = None
    response_format: Literal["auto"] | ResponseFormat | None = None
    reasoning_effort: str | None = None
    shows_own: bool = False


class Truncation(Struct):
    """How much of the thread a run's model sees."""

    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Meta(ge=1)] | None = None


class Call(Struct):
    """A call of a function."""

    id: str
    name: str
    arguments: str


class Round(Struct):
    """Calls that were made at once; `said` is the number of the message with the words beside."""

    calls: list[Call]
    outputs: list[str] | None
    said: Number | None
    usage: dict[str, Amount] | None
    at: Second

    def __post_init__(self) -> None:
        """Refuse outputs that are not those of the calls."""
        if self.outputs is not None and len(self.outputs) != len(self.calls):
            raise ValueError(f"{len(self.calls)} calls came to {len(self.outputs)} outputs")


class Wait(Struct):
    """What a run waited for, until a second since 1970."""

    lease: Uuid
    until: Annotated[float, Meta(ge=0, le=LAST.timestamp())]


class RunParameters(Struct):
    """Of a run in a thread; `first_row` is the number of its first message, 0: that was deleted."""

    model: str
    instructions: str
    tools: list[Tool]
    temperature: Temperature | None
    top_p: Share | None
    max_prompt_tokens: Small | None
    max_completion_tokens: Small | None
    truncation_strategy: Truncation
    tool_choice: Any
    parallel_tool_calls: bool
    response_format: Any
    searches: bool
    score_threshold: Share
    first_row: Amount
    rounds: Annotated[list[Round], Meta(min_length=1)] | UnsetType = UNSET
    waiting: Wait | UnsetType = UNSET


class Shown(Struct, forbid_unknown_fields=True):
    """What a response shows again of its request: all of it always, and nothing else."""

    model: str
    instructions: str | None
    previous_response_id: str | None
    max_tool_calls: Small | None
    max_output_tokens: Small | None
    temperature: Temperature | None
    top_p: Share | None
    truncation: str
    text: dict[str, Any]
    reasoning: dict[str, Any] | None
    service_tier: str | None
    user: str | None
    safety_identifier: str | None
    prompt_cache_key: str | None
    tools: list[dict[str, Any]]
    tool_choice: Any
    parallel_tool_calls: bool
    background: bool
    store: bool


class ResponseParameters(Struct):
    """Of a response; the lists are public ids of responses, and of items of its conversation."""

    shown: Shown
    searches: bool
    before: list[str]
    asked: list[str]
    input: list[str]
    output: list[str]


class Spoken(Struct, tag="message", tag_field="type"):
    """An item of a conversation: what the system or the developer says."""

    role: Literal["user", "assistant", "system", "developer"]
    text: str


class Called(Struct, tag="function_call", tag_field="type"):
    """An item of a conversation: a function that was called."""

    call_id: str
    name: str
    arguments: str


class CameTo(Struct, tag="function_call_output", tag_field="type"):
    """An item of a conversation: what a call came to."""

    call_id: str
    output: str


Item = Spoken | Called | CameTo


class AttachedTool(Struct):
    """What reads a file."""

    type: Literal["file_search"] = "file_search"


class Attached(Struct):
    """A file that came with a message of a thread."""

    file_id: str
    tools: list[AttachedTool] = []


def check(kept: object, shape: object) -> None:
    """Check what is kept as JSON against what it must be, and that it can be shown again.

    Raises:
        ValueError: what is wrong with it.
    """
    _ensure_plain(kept)
    msgspec.convert(kept, shape)


def _ensure_plain(kept: object) -> None:
    """Refuse what is nested too deeply, or has numbers that no float holds; level by level."""
    level: Sequence[object] = [kept]
    for _ in range(DEEPEST + 1):
        if any(type(one) is int and abs(one) > sys.float_info.max for one in level):
            raise ValueError("a number in it is too large")
        lists = [one for one in level if isinstance(one, list)]
        objects = [one.values() for one in level if isinstance(one, dict)]
        level = [one for values in (*lists, *objects) for one in values]
        if not level:
            return
    raise ValueError(f"it is nested more than {DEEPEST} deep")
