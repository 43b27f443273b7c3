"""What goes to a chat model, and what comes back."""

from dataclasses import dataclass
from typing import Literal

from aiconvokit.llm.functions import FunctionCall


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt.

    An assistant's may hold `calls` of functions. What each came to follows it, as a message of role
    tool with the call's id.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[FunctionCall, ...] = ()
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, never empty: all that came in one arrival from the network."""

    text: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """What came before was the model's reasoning: forget it. The answer begins now."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of an answer.

    `finish_reason` is the server's, None where it gave none. `text` is the whole answer, to be
    stored: the deltas joined, from the last `Restarted` on. It may be empty where the model
    `calls` functions.
    """

    finish_reason: str | None
    usage: Usage | None
    model: str
    text: str = ""
    calls: tuple[FunctionCall, ...] = ()


ChatEvent = Delta | Restarted | Completed
