"""Functions of a caller's program: offered to a model, called by it, answered by the program.

No function is ever run here. A model that calls some ends its answer with the calls; who asked runs
them and goes on with what they came to.
"""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from aiconvokit.llm.errors import ModelError

AUTO, NONE, REQUIRED = "auto", "none", "required"
"""What a model is to do with functions where no function is named."""
NO_ARGUMENTS = "{}"

# llama.cpp; vLLM; Ollama; OpenRouter; then servers that know no such parameter. A fault in one
# function is told with its place, as "tools[0]", and says nothing of the others.
_TOOLS = r"['\"`]?\btools\b['\"`]?(?!['\"`, ]*[\[.\d])"
_UNKNOWN = (
    r"(extra inputs|unknown|unrecogni[sz]ed|unexpected|unsupported|not (supported|permitted))"
)
_NO_TOOLS = re.compile(
    r"tools param requires|tool choice requires|enable-auto-tool-choice"
    r"|(not|n't) support (tools?|functions?)\b|found that support tool"
    rf"|{_TOOLS}.{{0,60}}{_UNKNOWN}|{_UNKNOWN}.{{0,60}}{_TOOLS}",
    re.IGNORECASE,
)
_NAMES_THEM = re.compile(r"\b(tools?|tool_choice|functions?)\b", re.IGNORECASE)
_REFUSING = {400, 422}
_MAY_REFUSE = {404, 500, *_REFUSING}
"""404: OpenRouter. 500: llama.cpp."""


@dataclass(frozen=True, slots=True)
class Function:
    """What a model may call; `parameters` are a JSON schema, None: there are none."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """The functions of one answer.

    `choice` is auto, none, required, or the name of the one that must be called. Not `parallel`:
    one call at a time.
    """

    functions: tuple[Function, ...]
    choice: str = AUTO
    parallel: bool = True

    @property
    def names(self) -> frozenset[str]:
        """What may be called."""
        return frozenset(one.name for one in self.functions)

    def wire(self, without: Container[str] = ()) -> dict[str, Any]:
        """The parameters of a chat request; what is the protocol's default is left out.

        Args:
            without: what the server refuses besides.
        """
        asked: dict[str, Any] = {"tools": [_tool(one, without) for one in self.functions]}
        if self.choice in {NONE, REQUIRED}:
            asked["tool_choice"] = self.choice
        elif self.choice != AUTO:
            asked["tool_choice"] = {"type": "function", "function": {"name": self.choice}}
        if not self.parallel and "parallel_tool_calls" not in without:
            asked["parallel_tool_calls"] = False
        return asked

    def text(self) -> str:
        """What a prompt holds of them, to be counted."""
        return msgspec.json.encode(self.wire()["tools"]).decode()


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call as the model wrote it: `arguments` should be JSON, and need not be."""

    id: str
    name: str
    arguments: str = NO_ARGUMENTS

    def wire(self) -> dict[str, Any]:
        """As messages have it."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Round:
    """Calls that were made at once, and what each came to, in their order.

    `text` is what the model said beside them.
    """

    calls: tuple[FunctionCall, ...]
    outputs: tuple[str, ...]
    text: str = ""


def texts_of(rounds: Sequence[Round]) -> Iterator[str]:
    """All the words of some rounds, to be counted."""
    for one in rounds:
        yield one.text
        yield from (f"{call.name} {call.arguments}" for call in one.calls)
        yield from one.outputs


def without_tools() -> ModelError:
    """The model's server takes no functions."""
    return ModelError(
        "The chat model of this server calls no functions. Leave them out; the operator's "
        "`aiconvokit doctor` says what would have to change.",
        code="model_without_tools",
    )


def no_model() -> ModelError:
    """Nobody is there to call them."""
    return ModelError(
        "This server has no chat model, and functions need one. Leave them out.",
        code="model_without_tools",
    )


def refused() -> ModelError:
    """The model's server takes functions, and not these."""
    return ModelError(
        "The chat model's server does not take these functions. Check their names and parameters, "
        "and leave out tool_choice.",
        code="model_without_tools",
    )


def takes_no_tools(status: int, message: str) -> bool:
    """Whether a refusal, by its status and the server's words, is of functions altogether."""
    return status in _MAY_REFUSE and _NO_TOOLS.search(message) is not None


def names_tools(status: int, message: str) -> bool:
    """Whether a refusal is about functions in any way."""
    return status in _REFUSING and _NAMES_THEM.search(message) is not None


def _tool(one: Function, without: Container[str]) -> dict[str, Any]:
    told = {"description": one.description, "parameters": one.parameters, "strict": one.strict}
    given = {
        name: value for name, value in told.items() if value is not None and name not in without
    }
    return {"type": "function", "function": {"name": one.name, **given}}
