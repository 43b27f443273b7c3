"""What a chat completion is asked with: the conversation in full, and what bounds its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from aiconvokit.chat.prompt import Said
from aiconvokit.chat.turn import HISTORY_MESSAGES
from aiconvokit.chat.turn_state import Bounds
from aiconvokit.errors import InvalidFields
from aiconvokit.llm.chat_model import ChatMessage
from aiconvokit.llm.functions import Offered, Round
from aiconvokit.openai_api.completions.calling import (
    CallsIn,
    ToolIn,
    calls_of,
    offered,
    rounds_at_end,
    with_outputs,
)
from aiconvokit.openai_api.completions.sources import without_list
from aiconvokit.openai_api.tools import MAX_TOOLS
from aiconvokit.rest.fields import LONG_TEXT, JsonBody

MOST_TOKENS = 2**31 - 1
ONLY_TEXT = "only text can be read here."
NOT_FORCED = "say it with tools and tool_choice."
NO_SHAPE = "answers are text with citations; no other format can be promised."

MOST_MESSAGES = 2_048
"""Of a request, as OpenAI has it."""

Tokens = Annotated[int, Meta(ge=1, le=MOST_TOKENS)]


class Part(Struct):
    """A piece of a message."""

    type: str
    text: str = ""
    refusal: str = ""


class MessageIn(Struct):
    """A message; one of role tool says what a call of an assistant's message came to."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: CallsIn | None = None
    tool_call_id: str | None = None


class StreamOptions(Struct):
    """How a stream ends."""

    include_usage: bool | None = None


class ChatBody(JsonBody):
    """A chat completion; `metadata.thread_id` makes it a turn of that thread.

    With `sources_in_text` the answer ends with a list of what its marks rest on.
    """

    model: str
    messages: Annotated[list[MessageIn], Meta(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    metadata: dict[str, Any] | None = None
    sources_in_text: bool | None = None
    tools: Annotated[list[ToolIn], Meta(max_length=MAX_TOOLS)] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    function_call: Any = None
    response_format: Any = None
    modalities: list[str] | None = None

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with what it cost."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def bounds(self) -> Bounds:
        """What the answer is bounded by."""
        return Bounds(answer_tokens=self.max_completion_tokens or self.max_tokens)

    @property
    def offered(self) -> Offered | None:
        """Functions that the model may call.

        Raises:
            InvalidFields: one is none, or the one that must be called is not there.
        """
        return offered(self.tools, self.tool_choice, parallel=self.parallel_tool_calls)

    @property
    def thread_id(self) -> str | None:
        """The thread whose turn this is, if it is one's.

        Raises:
            InvalidFields: it is no string.
        """
        named = (self.metadata or {}).get("thread_id")
        if named is not None and not isinstance(named, str):
            raise InvalidFields({"metadata.thread_id": ["it must be a string."]})
        return named


def check(body: ChatBody) -> None:
    """Refuse what means something that cannot be done.

    Raises:
        InvalidFields: a function is asked for in the old way, or the answer is to be no plain text.
    """
    if isinstance(body.function_call, dict):
        raise InvalidFields({"function_call": [NOT_FORCED]})
    if "audio" in (body.modalities or ()):
        raise InvalidFields({"modalities": [ONLY_TEXT]})


def check_format(body: ChatBody) -> None:
    """Refuse a format that only a model could keep, and that no model is asked for.

    Raises:
        InvalidFields: the answer is to be JSON.
    """
    wanted = body.response_format
    if isinstance(wanted, dict) and wanted.get("type", "text") != "text":
        raise InvalidFields({"response_format": [NO_SHAPE]})


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages that say something, in order."""

    messages: Sequence[ChatMessage]

    @property
    def instructions(self) -> str:
        """What the system says."""
        return "\n\n".join(one.content for one in self.messages if one.role == "system")

    @property
    def question(self) -> str:
        """What the user said since the last answer.

        Raises:
            InvalidFields: nothing, or more than a question may be.
        """
        question = "\n\n".join(one.content for one in self._asked())
        if not question:
            raise InvalidFields({"messages": ["the last one must be a user's, and say something."]})
        if len(question) > LONG_TEXT:
            why = f"a question has no more than {LONG_TEXT} characters."
            raise InvalidFields({"messages": [why]})
        return question

    @property
    def history(self) -> list[Said]:
        """What was said before the question, the newest of it."""
        spoken = self._spoken()
        said = [
            Said(one.role, one.content)
            for one in spoken[: len(spoken) - len(self._asked())]
            if one.role in {"user", "assistant"} and one.content
        ]
        return said[-HISTORY_MESSAGES:]

    @property
    def rounds(self) -> list[Round]:
        """The calls that were made to answer the question."""
        return rounds_at_end(self.messages)

    def _asked(self) -> list[ChatMessage]:
        last = list(takewhile(lambda one: one.role == "user", reversed(self._spoken())))
        return last[::-1]

    def _spoken(self) -> list[ChatMessage]:
        """The messages up to the question."""
        spoken = [one for one in self.messages if one.role != "system"]
        while spoken and (spoken[-1].calls or spoken[-1].call_id is not None):
            spoken.pop()
        return spoken


def conversation(messages: Sequence[MessageIn]) -> Conversation:
    """Read the messages of a request.

    Raises:
        InvalidFields: one holds what is no text, or none says anything.
    """
    said: list[ChatMessage] = []
    for index, message in enumerate(messages):
        if message.role == "function":
            continue
        text = _text(message, f"messages[{index}].content")
        if message.role == "assistant":
            text = without_list(text)
        calls = calls_of(message.tool_calls or ()) if message.role == "assistant" else ()
        if message.role == "tool":
            said.append(ChatMessage("tool", text, call_id=message.tool_call_id or ""))
        elif text.strip() or calls:
            said.append(ChatMessage(_ROLES[message.role], text, calls=calls))
    said = with_outputs(said)
    if not said:
        raise InvalidFields({"messages": ["none of them says anything."]})
    return Conversation(said)


_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
TEXTS = {"text", "input_text", "output_text", "refusal"}
"""Types of the parts of a message that are read."""


def _text(message: MessageIn, place: str) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for index, part in enumerate(message.content):
        if part.type not in TEXTS:
            raise InvalidFields({f"{place}[{index}].type": [ONLY_TEXT]})
    return "\n".join(part.refusal or part.text for part in message.content)
