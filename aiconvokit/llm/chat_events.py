"""What goes to a chat model, and what comes back."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


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
    stored: the deltas joined, from the last `Restarted` on.
    """

    finish_reason: str | None
    usage: Usage | None
    model: str
    text: str = ""


ChatEvent = Delta | Restarted | Completed
