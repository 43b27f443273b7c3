"""Chat answers, well or badly."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from fake_model.calls import ASIDE, call_deltas, calls_in, whole_call
from fake_model.connection import Connection
from fake_model.modes import Mode, error
from fake_model.quirks import read_of, refused, usage

SLOW_DRIP_SECONDS = 0.5
_ECHOED = 60

Event = dict[str, Any]

_STREAM_ERRORS = {
    "stream_error": "The GPU is on fire.",
    "stream_too_long": "Reached the context length of 4096 tokens.",
}


def default_reply(body: dict[str, Any], mode: Mode) -> str:
    """ "FAKE: " and the beginning of what was read of the last user message."""
    return "FAKE: " + read_of(body, mode)[:_ECHOED]


async def answer_chat(connection: Connection, body: dict[str, Any], reply: str, mode: Mode) -> bool:
    """Answer one request; False when the connection was left in the middle of an answer."""
    if refusal := refused(body, mode):
        status, message = refusal
        await connection.send(message, status=status)
        return True
    text = _said(reply, mode)
    if calls_in(body, mode):
        text = ASIDE if mode.name == "calls_aside" else ""
    if not body.get("stream") or mode.name == "ignores_stream":
        await connection.send(_whole(body, text, mode))
        return True
    await connection.begin_stream()
    if not await _stream(connection, body, text, mode):
        return False
    await connection.end_stream()
    return True


async def _stream(connection: Connection, body: Event, text: str, mode: Mode) -> bool:
    """The events; False when they are cut."""
    if mode.name == "cut_at_once":
        return False
    if mode.name == "at_once":
        await connection.events([*map(_piece, _deltas(text, mode)), *_ending(body, text, mode)])
        return True
    calls = call_deltas(calls_in(body, mode), mode)
    await _pieces(connection, itertools.chain(_deltas(text, mode), calls), mode)
    if mode.name == "cut_chunked":
        return False
    for event in _ending(body, text, mode):
        await connection.event(event)
    return True


async def _pieces(connection: Connection, deltas: Iterator[Event], mode: Mode) -> None:
    pause = (mode.value or SLOW_DRIP_SECONDS) if mode.name == "slow_drip" else 0
    for delta in deltas:
        await connection.event(_piece(delta), escaped=mode.name != "raw_utf8")
        if pause and delta.get("content"):
            await connection.pause(pause)


def _piece(delta: Event) -> Event:
    return _chunk({"index": 0, "delta": delta, "finish_reason": None})


def _said(reply: str, mode: Mode) -> str:
    said = {
        "think": f"<think>\nLet me see.\n</think>\n\n{reply}",
        "close_think": f"Let me see.\n</think>\n\n{reply}",
        "only_think": "<think>Let me see, and see, and",
        "dirty": f"NUL\x00 and half a pair \ud83d: {reply}",
        "content_filter": "",
        "null_content": "",
    }
    return said.get(mode.name, reply)


def _deltas(text: str, mode: Mode) -> Iterator[Event]:
    """Words, cut in the middle too, so that a tag never arrives whole."""
    yield {"role": "assistant", "content": None if mode.name == "null_content" else ""}
    if mode.name == "reasoning":
        yield {"reasoning_content": "Let me see."}
    if mode.name == "parts":
        yield {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}
        yield {"content": [{"type": "text", "text": text}]}
        return
    pieces = re.findall(r"\s*\S{1,4}", text)
    if mode.name.startswith("cut"):
        pieces = pieces[: max(1, len(pieces) // 2)]
    repeated = itertools.repeat("on and on " * 100) if mode.name == "endless" else pieces
    yield from ({"content": piece} for piece in repeated)


def _ending(body: Event, text: str, mode: Mode) -> Iterator[Event | str]:
    options = body.get("stream_options") or {}
    match mode.name:
        case "cut_clean":
            return
        case "stream_error" | "stream_too_long":
            yield error(_STREAM_ERRORS[mode.name])
            return
        case "no_choices":
            yield {"object": "error", "message": "No."}
            return
        case "bad_event":
            yield '{"choices": ['
            return
        case "bare_done":
            pass
        case "empty_choices":
            yield _chunk()
            return
        case _:
            reason = _finish_reason(body, mode)
            yield _chunk({"index": 0, "delta": {}, "finish_reason": reason})
    if options.get("include_usage") and mode.name not in {"no_usage", "bare_done"}:
        yield {**_chunk(), "usage": usage(body, text or _called(body, mode), mode)}
    yield "[DONE]"


def _finish_reason(body: Event, mode: Mode) -> str:
    if calls_in(body, mode):
        return "stop" if mode.name == "calls_whole" else "tool_calls"
    return mode.name if mode.name in {"length", "content_filter"} else "stop"


def _called(body: Event, mode: Mode) -> str:
    """What of an answer without words counts as its words."""
    return " ".join(arguments for _, arguments in calls_in(body, mode))


def _chunk(*choices: Event) -> Event:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "fake",
        "choices": list(choices),
    }


def _whole(body: Event, text: str, mode: Mode) -> Event:
    message: Event = {
        "role": "assistant",
        "content": text,
        "reasoning_content": "Let me see.",
    }
    if calls := calls_in(body, mode):
        message |= {"content": None, "tool_calls": [whole_call("call_1", *one) for one in calls]}
    return {
        **_chunk({"index": 0, "message": message, "finish_reason": _finish_reason(body, mode)}),
        "object": "chat.completion",
        "usage": usage(body, text or _called(body, mode), mode),
    }
