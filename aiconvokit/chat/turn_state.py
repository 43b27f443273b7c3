"""A turn as it goes on: what is asked and of whom, and what the answer has come to so far.

Nothing of it knows the database: a turn of a stored chat is a `turn.StoredTurn`, and one whose
conversation came with the request is no more than this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiconvokit.chat.prompt import Said
from aiconvokit.chat.proof import Attributed
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.turn_queries import Persona
from aiconvokit.llm.chat_model import Usage
from aiconvokit.llm.functions import FunctionCall, Offered, Round
from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.types import Searchable


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a caller limits in one turn, within what the operator allows; None: nothing.

    `prompt_tokens` are ours, `answer_tokens` the model's; passages that score less than `score`
    (0..1) are left out.
    """

    passages: int | None = None
    score: float = 0.0
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


UNBOUNDED = Bounds()


@dataclass(slots=True)
class Answer:
    """What the model, or its stand-in, has come to so far."""

    proven: Attributed = field(default_factory=lambda: Attributed("", (), ()))
    model: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    calls: tuple[FunctionCall, ...] = ()
    """Of functions: the caller is to run them, and to ask again with what they came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A question, its conversation, and who answers from which documents.

    `offered` are functions that the model may call, `rounds` what came of its calls so far. Of the
    collections those documents are read that meet `where`; None: all.
    """

    question: str
    persona: Persona
    collections: Sequence[Searchable]
    history: Sequence[Said]
    bounds: Bounds = UNBOUNDED
    offered: Offered | None = None
    rounds: Sequence[Round] = ()
    where: Condition | None = None
    trace: Trace = field(default_factory=Trace)
    answer: Answer = field(default_factory=Answer)

    @property
    def asked_before(self) -> list[str]:
        """The user's earlier questions, oldest first."""
        return [said.content for said in self.history if said.role == "user"]
