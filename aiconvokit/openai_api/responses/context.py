"""What a response answers, from the items before it: a question, a history, rounds of calls."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiconvokit.chat.prompt import Said
from aiconvokit.chat.turn import HISTORY_MESSAGES, said
from aiconvokit.chat.turn_queries import Earlier
from aiconvokit.errors import InvalidFields
from aiconvokit.llm.functions import FunctionCall, Round
from aiconvokit.openai_api.responses.items import Call, Item, Output, Spoken
from aiconvokit.rest.fields import LONG_TEXT

TOO_LONG_ASKED = f"a question has no more than {LONG_TEXT} characters."
TOO_LONG_TOLD = f"system and developer say no more than {LONG_TEXT} characters in all."
NOTHING_ASKED = "it must hold something that a user says, or what a function came to."


@dataclass(frozen=True, slots=True)
class Kept:
    """An item with what is stored of it; one that `is_new` came with the request."""

    item: Item
    id: str = ""
    status: str = "complete"
    citations: list[dict[str, Any]] | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn begins with.

    `system` is what system and developer say, `asked` are the ids of the messages that the question
    is made of.
    """

    question: str
    history: Sequence[Said]
    rounds: Sequence[Round]
    system: Sequence[str]
    asked: Sequence[str]


def context_of(kept: Sequence[Kept]) -> Context:
    """Read a conversation, oldest item first.

    The question is all that the user said since the last answer; where that one failed, what it was
    to answer, with what its calls came to. An answer that only calls functions is none: what its
    calls came to goes with the question that they were made for. Of earlier questions the calls are
    forgotten, and the answers stay.

    Raises:
        InvalidFields: nobody asks anything, or too much, also of the system; a call has no output,
            or a new output no call.
    """
    reading = _Reading()
    for index, one in enumerate(kept):
        item = one.item
        if isinstance(item, Call):
            reading.called(item)
        elif isinstance(item, Output):
            reading.came_to(item, is_new=one.is_new)
        elif item.role == "user":
            reading.asked(one, item)
        elif item.role == "assistant":
            following = kept[index + 1].item if index + 1 < len(kept) else None
            reading.answered(one, item, calls=isinstance(following, Call))
        else:
            reading.system.append(item.text)
    return reading.end()


class _Asked(NamedTuple):
    text: str
    id: str


@dataclass(slots=True)
class _Reading:
    """The conversation as far as it was read."""

    system: list[str] = field(default_factory=list)
    _history: list[Said] = field(default_factory=list)
    _question: list[_Asked] = field(default_factory=list)
    _rounds: list[Round] = field(default_factory=list)
    _calls: dict[str, FunctionCall] = field(default_factory=dict)
    _outputs: dict[str, str] = field(default_factory=dict)
    _text: str = ""
    _has_failed: bool = False

    def asked(self, kept: Kept, item: Spoken) -> None:
        if self._has_failed and not (self._rounds or self._calls):
            self._put_away()  # it was asked, and something else is asked now
        self._question.append(_Asked(item.text, kept.id))

    def answered(self, kept: Kept, item: Spoken, *, calls: bool) -> None:
        if kept.status == "complete" and calls:
            self._end_round()
            self._text = item.text
        elif kept.status == "complete":
            self._put_away()
            self._history.append(said(Earlier("assistant", item.text, kept.citations)))
        else:
            self._has_failed = bool(self._question)

    def called(self, item: Call) -> None:
        if self._outputs and not self._unanswered():
            self._end_round()
        self._calls[item.call_id] = item.made

    def came_to(self, item: Output, *, is_new: bool) -> None:
        if item.call_id not in self._calls and not self._knows(item.call_id):
            if not is_new:  # its call was deleted, or never there
                return
            why = f"No tool call found for function call output with call_id {item.call_id}."
            raise InvalidFields({"input": [why]})
        self._outputs[item.call_id] = item.output

    def end(self) -> Context:
        if missing := self._unanswered():
            why = f"No tool output found for function call {missing[0]}."
            raise InvalidFields({"input": [why]})
        self._end_round()
        if not self._question:
            raise InvalidFields({"input": [NOTHING_ASKED]})
        question = "\n\n".join(one.text for one in self._question)
        if len(question) > LONG_TEXT:  # a conversation may hold far more that is not answered yet
            raise InvalidFields({"input": [TOO_LONG_ASKED]})
        if sum(map(len, self.system)) > LONG_TEXT:
            raise InvalidFields({"input": [TOO_LONG_TOLD]})
        return Context(
            question=question,
            history=self._history[-HISTORY_MESSAGES:],
            rounds=self._rounds,
            system=self.system,
            asked=[one.id for one in self._question],
        )

    def _unanswered(self) -> list[str]:
        return [one for one in self._calls if one not in self._outputs]

    def _knows(self, call_id: str) -> bool:
        return any(call.id == call_id for one in self._rounds for call in one.calls)

    def _end_round(self) -> None:
        """What was called at once, once all of it has come to something."""
        if self._calls and not self._unanswered():
            calls = tuple(self._calls.values())
            outputs = tuple(self._outputs[one.id] for one in calls)
            self._rounds.append(Round(calls, outputs, self._text))
            self._calls, self._outputs, self._text = {}, {}, ""

    def _put_away(self) -> None:
        """The question is history."""
        self._history += [Said("user", one.text) for one in self._question]
        self._question, self._rounds, self._has_failed = [], [], False
        self._calls, self._outputs, self._text = {}, {}, ""
