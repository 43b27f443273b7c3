"""Items of a conversation: what is said in it, calls of functions, and what these came to.

Each is a row of `message`. A row of what user and assistant say has words; every other item is a
row without words, and stands in its `attachments` as it is kept here. So whoever reads the words of
a thread never meets one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aiconvokit.errors import InvalidFields
from aiconvokit.files.redaction_queries import REDACTED
from aiconvokit.ids import public_id
from aiconvokit.llm.functions import NO_ARGUMENTS, FunctionCall
from aiconvokit.openai_api import bodies
from aiconvokit.openai_api.completions.body import MOST_MESSAGES, ONLY_TEXT, TEXTS
from aiconvokit.rest.fields import LONG_TEXT, LongText

Role = Literal["user", "assistant", "system", "developer"]
CallId = Annotated[str, Meta(min_length=1, max_length=64)]
MESSAGE, CALL, OUTPUT, REFERENCE = (
    "message",
    "function_call",
    "function_call_output",
    "item_reference",
)
Items = Annotated[list[Any], Meta(max_length=MOST_MESSAGES)]

_PREFIXES = {MESSAGE: "msg", CALL: "fc", OUTPUT: "fco"}
_PASSED_OVER = {"file_search_call", "reasoning"}
"""What programs send back with the rest of an answer; it says nothing that is not searched anew."""


class Spoken(Struct, tag=MESSAGE, tag_field="type", frozen=True):
    """Something that somebody says; the system and the developer speak as the operator does."""

    role: Role
    text: str


class Call(Struct, tag=CALL, tag_field="type", frozen=True):
    """A function that a model called."""

    call_id: str
    name: str
    arguments: str

    @classmethod
    def of(cls, call: FunctionCall) -> "Call":
        """As the model made it."""
        return cls(call.id, call.name, call.arguments)

    @property
    def made(self) -> FunctionCall:
        """As the model is told of it; servers read arguments as JSON, which a redaction is not."""
        arguments = NO_ARGUMENTS if self.arguments == REDACTED else self.arguments
        return FunctionCall(self.call_id, self.name, arguments)


class Output(Struct, tag=OUTPUT, tag_field="type", frozen=True):
    """What a call came to."""

    call_id: str
    output: str


Item = Spoken | Call | Output


@dataclass(frozen=True, slots=True)
class Reference:
    """An item that was stored before; `place` is where in the body it is named."""

    id: str
    place: str


class _Part(Struct):
    type: str
    text: str = ""
    refusal: str = ""


class _Message(Struct):
    role: Role
    content: str | list[_Part]


class _Call(Struct):
    call_id: CallId
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    arguments: LongText


class _Output(Struct):
    call_id: CallId
    output: str | list[_Part]


class _Reference(Struct):
    id: str


def read(given: str | Sequence[Any], place: str) -> list[Item | Reference]:
    """The items of a body; a text alone is the user's.

    Args:
        given: what was sent.
        place: where in the body.

    Raises:
        InvalidFields: one of them is empty, too long, or none that is read here.
    """
    if isinstance(given, str):
        return [_spoken("user", given, place)]
    found = (_item(one, f"{place}[{index}]") for index, one in enumerate(given))
    return [one for one in found if one is not None]


def _item(given: Any, place: str) -> Item | Reference | None:
    """None: it says nothing."""
    match _kind(given, place):
        case "message":
            message = bodies.convert(given, _Message, place)
            text = _text(message.content, f"{place}.content")
            is_blank = message.role == "assistant" and not text.strip()
            return None if is_blank else _spoken(message.role, text, f"{place}.content")
        case "function_call":
            call = bodies.convert(given, _Call, place)
            return Call(call.call_id, call.name, call.arguments.strip() or NO_ARGUMENTS)
        case "function_call_output":
            output = bodies.convert(given, _Output, place)
            text = _text(output.output, f"{place}.output")
            _check_length(text, f"{place}.output")
            return Output(output.call_id, text)
        case "item_reference":
            return Reference(bodies.convert(given, _Reference, place).id, place)
        case other if other in _PASSED_OVER:
            return None
        case other:
            raise InvalidFields({f"{place}.type": [f"'{other}' is not read here."]})


def _kind(given: Any, place: str) -> str:
    if not isinstance(given, dict):
        raise InvalidFields({place: ["it must be an object."]})
    kind = given.get("type") or (MESSAGE if "role" in given else REFERENCE)
    if not isinstance(kind, str):
        raise InvalidFields({f"{place}.type": ["it must be a string."]})
    return kind


def _spoken(role: Role, text: str, place: str) -> Spoken:
    if not text.strip():
        raise InvalidFields({place: ["it must not be empty."]})
    _check_length(text, place)
    return Spoken(role, text)


def _check_length(text: str, place: str) -> None:
    if len(text) > LONG_TEXT:
        why = f"it has {len(text)} characters, and at most {LONG_TEXT} are read."
        raise InvalidFields({place: [why]})


def _text(content: str | Sequence[_Part], place: str) -> str:
    if isinstance(content, str):
        return content
    for index, part in enumerate(content):
        if part.type not in TEXTS:
            raise InvalidFields({f"{place}[{index}].type": [ONLY_TEXT]})
    return "\n\n".join(part.refusal or part.text for part in content)


@dataclass(frozen=True, slots=True)
class Row:
    """An item as it is stored."""

    public_id: str
    role: Literal["user", "assistant"]
    content: str
    attachments: list[dict[str, Any]] | None


def rows_of(items: Sequence[Item]) -> list[Row]:
    """Items as they are stored, each under a new id."""
    return [row_of(one, public_id(_PREFIXES[_tag(one)])) for one in items]


def row_of(item: Item, item_id: str) -> Row:
    """An item as it is stored under an id."""
    match item:
        case Spoken(role=("user" | "assistant") as speaker):
            return Row(item_id, speaker, item.text, None)
        case Call():
            return Row(item_id, "assistant", "", [msgspec.to_builtins(item)])
        case _:
            return Row(item_id, "user", "", [msgspec.to_builtins(item)])


def stored_item(
    role: str, content: str, attachments: Sequence[Mapping[str, Any]] | None
) -> Item | None:
    """The item that a row is; None: an answer without words."""
    for one in _other_items(attachments):
        item: Item = msgspec.convert(one, Item)
        return item
    if not content:
        return None
    return Spoken("assistant" if role == "assistant" else "user", content)


def _other_items(
    attachments: Sequence[Mapping[str, Any]] | None,
) -> Iterator[Mapping[str, Any]]:
    """Those of a row's attachments that are no files."""
    return (one for one in attachments or () if one.get("type") in _PREFIXES)


def _tag(item: Item) -> str:
    return str(item.__struct_config__.tag)
