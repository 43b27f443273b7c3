"""Chat answers, well or badly."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from fake_model.connection import Connection
from fake_model.modes import Mode, error

SLOW_DRIP_SECONDS = 0.5
_ECHOED = 60

Event = dict[str, Any]


def default_reply(body: dict[str, Any]) -> str:
    """ "FAKE: " and the beginning of the last user message."""
    asked = [m["content"] for m in body["messages"] if m["role"] == "user"]
    return "FAKE: " + (asked[-1] if asked else "")[:_ECHOED]


async def answer_chat(connection: Connection, body: dict[str, Any], reply: str, mode: Mode) -> bool:
    """Answer one request; False when the connection was left in the middle of an answer."""
    options = body.get("stream_options")
    if mode.name == "no_stream_options" and options:
        message = "[{'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]"
        await connection.send(error(message), status=400)
        return True
    text = _said(reply, mode)
    if not body.get("stream"):
        await connection.send(_whole(body, text, _finish_reason(mode)))
        return True
    await connection.begin_stream()
    if mode.name == "cut_at_once":
        return False
    await _pieces(connection, _deltas(text, mode), mode)
    if mode.name == "cut_chunked":
        return False
    for event in _ending(body, text, mode):
        await connection.event(event)
    await connection.end_stream()
    return True


async def _pieces(connection: Connection, deltas: Iterator[Event], mode: Mode) -> None:
    pause = (mode.value or SLOW_DRIP_SECONDS) if mode.name == "slow_drip" else 0
    for delta in deltas:
        event = _chunk({"index": 0, "delta": delta, "finish_reason": None})
        await connection.event(event, escaped=mode.name != "raw_utf8")
        if pause and delta.get("content"):
            await connection.pause(pause)


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
        case "stream_error":
            yield error("The GPU is on fire.")
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
            yield _chunk({"index": 0, "delta": {}, "finish_reason": _finish_reason(mode)})
    if options.get("include_usage") and mode.name not in {"no_usage", "bare_done"}:
        yield {**_chunk(), "usage": _usage(body, text)}
    yield "[DONE]"


def _finish_reason(mode: Mode) -> str:
    return mode.name if mode.name in {"length", "content_filter"} else "stop"


def _chunk(*choices: Event) -> Event:
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "fake",
        "choices": list(choices),
    }


def _whole(body: Event, text: str, finish_reason: str) -> Event:
    message = {"role": "assistant", "content": text}
    return {
        **_chunk({"index": 0, "message": message, "finish_reason": finish_reason}),
        "object": "chat.completion",
        "usage": _usage(body, text),
    }


def _usage(body: Event, text: str) -> dict[str, int]:
    prompt = sum(len(message["content"].split()) for message in body["messages"])
    answer = len(text.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }
