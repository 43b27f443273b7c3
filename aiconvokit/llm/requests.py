"""What a server is asked, as it wants to be asked; and what its refusals teach.

As little as possible is sent. Servers differ in what they refuse, not in what they ignore.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aiconvokit.llm.chat_events import ChatMessage
from aiconvokit.llm.functions import Offered, takes_no_tools
from aiconvokit.llm.limits import is_too_long
from aiconvokit.llm.text import scrub
from aiconvokit.llm.traits import Traits

_OPTIONAL = (
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "encoding_format",
    "parallel_tool_calls",
)
_REFUSING = {400, 422}
_TEMPLATE_FAULTS = {400, 422, 500}  # 500: llama.cpp, whose template engine throws

_NO_STREAM = re.compile(
    r"\bstream(ing)?\b.{0,80}(not (supported|allowed|permitted|available|enabled)|unsupported"
    r"|disabled|extra inputs|unexpected|unrecognized)|unsupported.{0,40}\bstream(ing)?\b",
    re.IGNORECASE | re.DOTALL,
)
_NO_SYSTEM = re.compile(
    r"system (role|message|prompt|instruction)s?\b.{0,40}(not|n't|unsupported)|role:? ['\"]?system"
    r"|not support ['\"]?system|roles must alternate|only (support )?user(,| and) "
    r"|developer instruction is not enabled|jinja|template ?error|chat template",
    re.IGNORECASE | re.DOTALL,
)


def chat_request(
    model: str,
    messages: Sequence[ChatMessage],
    traits: Traits,
    max_tokens: int | None,
    offered: Offered | None = None,
) -> dict[str, Any]:
    """The body of a chat request.

    Args:
        model: its name.
        messages: the prompt.
        traits: what its server takes.
        max_tokens: bound of the answer; None: the server's own.
        offered: functions that it may call.
    """
    body: dict[str, Any] = {"model": model, "messages": wire_messages(messages, traits)}
    if traits.asks_to_stream:
        body["stream"] = True
    if traits.asks_usage:
        body["stream_options"] = {"include_usage": True}
    if max_tokens is not None and traits.token_limit is not None:
        body[traits.token_limit] = max_tokens
    if offered is not None:
        body |= offered.wire(without=traits.refuses)
    return body


def wire_messages(messages: Sequence[ChatMessage], traits: Traits) -> list[dict[str, Any]]:
    """One system message in front, or none; then user and assistant in strict alternation.

    Calls of functions, and what they came to, stay messages of their own.
    """
    system = "\n\n".join(one.content for one in messages if one.role == "system")
    turns = [one for one in messages if one.role != "system"]
    if system:
        turns.insert(0, ChatMessage("user" if traits.folds_system else "system", system))
    wire: list[dict[str, Any]] = []
    for one in turns:
        if wire and wire[-1].keys() == {"role", "content"} and _is_more(one, wire[-1]["role"]):
            wire[-1]["content"] += f"\n\n{scrub(one.content)}"
        else:
            wire.append(_message(one))
    return wire


def _is_more(message: ChatMessage, role: str) -> bool:
    return message.role == role and not message.calls and message.call_id is None


def _message(message: ChatMessage) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": scrub(message.content)}
    if message.calls:
        wire["tool_calls"] = [one.wire() for one in message.calls]
    if message.call_id is not None:
        wire["tool_call_id"] = message.call_id
    return wire


def lesson(
    status: int, message: str, asked: Mapping[str, Any], traits: Traits
) -> dict[str, Any] | None:
    """What a refusal teaches.

    Args:
        status: of the answer.
        message: the server's words.
        asked: the request's body.
        traits: as known until now.

    Returns:
        fields of `Traits` to change before asking again; None: asking again is of no use.
    """
    if is_too_long(message):  # such sentences often name max_tokens
        return None
    if "tools" in asked and takes_no_tools(status, message):  # it may name jinja, too
        return None
    if status in _REFUSING and (name := _refused(message, asked)):
        return {"refuses": tuple(sorted({*traits.refuses, name}))}
    has_system = any(one["role"] == "system" for one in asked.get("messages", ()))
    if status in _TEMPLATE_FAULTS and has_system and _NO_SYSTEM.search(message):
        return {"folds_system": True}
    return None


def _refused(message: str, asked: Mapping[str, Any]) -> str | None:
    """The parameter of ours that a refusal names."""
    for name in _OPTIONAL:
        if name in asked and re.search(rf"\b{name}\b", message):
            return name
    if re.search(r"\bstrict\b", message) and any(
        "strict" in one["function"] for one in asked.get("tools", ())
    ):
        return "strict"
    return "stream" if "stream" in asked and _NO_STREAM.search(message) else None
