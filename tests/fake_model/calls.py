"""Calls of functions that were offered, as servers send them, each in its own way."""

import json
from collections.abc import Iterator
from typing import Any

from fake_model.modes import Mode
from fake_model.quirks import read_of

_ASKED = 40
ASIDE = "Let me look that up."
"""What `calls_aside` says beside its calls."""
STYLES = {"calls", "calls_whole", "calls_same_index", "calls_aside", "calls_bare", "calls_unknown"}

Event = dict[str, Any]
Call = tuple[str, str]
"""The name of a function, and its arguments in JSON."""


def calls_in(body: dict[str, Any], mode: Mode) -> list[Call]:
    """What is called now: all that is offered, in as many rounds as the mode's value (1) says."""
    if mode.name not in STYLES or not body.get("tools") or body.get("tool_choice") == "none":
        return []
    messages = body["messages"]
    asked = max(at for at, one in enumerate(messages) if one["role"] == "user")
    made = sum("tool_calls" in one for one in messages[asked:])
    if made >= (mode.value or 1):
        return []
    if mode.name == "calls_unknown":
        return [("nobody_offered_this", "{}")]
    choice = body.get("tool_choice")
    names = [one["function"]["name"] for one in body["tools"]]
    if isinstance(choice, dict):
        names = [choice["function"]["name"]]
    if body.get("parallel_tool_calls") is False:
        names = names[:1]
    arguments = json.dumps({"question": read_of(body, mode)[-_ASKED:], "round": made})
    return [(name, arguments) for name in names]


def call_deltas(calls: list[Call], mode: Mode) -> Iterator[Event]:
    """The deltas that a stream tells them with."""
    if mode.name == "calls_whole":  # no id, no index, arguments as an object
        for name, arguments in calls:
            yield {"tool_calls": [{"function": {"name": name, "arguments": json.loads(arguments)}}]}
        return
    for index, (name, arguments) in enumerate(calls):
        call_id = f"call_fake_{index}"
        if mode.name == "calls_same_index":
            yield {"tool_calls": [whole_call(call_id, name, arguments) | {"index": 0}]}
            continue
        begun = "" if mode.name != "calls_bare" else None
        head = {"index": index, "id": call_id, "type": "function"}
        yield {"tool_calls": [head | {"function": {"name": name, "arguments": begun}}]}
        if mode.name == "calls_bare":  # nothing follows: the function takes nothing
            continue
        for start in range(0, len(arguments), 7):
            piece = {"arguments": arguments[start : start + 7]}
            yield {"tool_calls": [{"index": index, "function": piece}]}


def whole_call(call_id: str, name: str, arguments: str) -> Event:
    """A call as a message has it."""
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
