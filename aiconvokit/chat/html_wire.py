"""`?html=true`: answers with their HTML beside their text."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import msgspec
from litestar.serialization import encode_json
from msgspec.structs import replace as changed

from aiconvokit.accounts.idempotency import Stored
from aiconvokit.chat.html import render
from aiconvokit.chat.schemas import AnswerOut, MessageOut
from aiconvokit.errors import InvalidFields
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.lists import query_value

T = TypeVar("T")

HTML: dict[str, dict[str, Any]] = {"html": {"type": "boolean", "default": False}}
"""The query parameter, for the OpenAPI document."""
THREADS = 2
"""That draw at once, of their own: an answer may take a second, and everybody's threads stay free.
No semaphore, since a thread goes on drawing when nobody waits for it any more."""
_THREADS = ThreadPoolExecutor(THREADS, thread_name_prefix="html")
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def wants_html(request: ApiRequest) -> bool:
    """Whether HTML is asked for.

    Raises:
        InvalidFields: the query says neither yes nor no.
    """
    given = query_value(request, "html")
    if given is None:
        return False
    if given.lower() not in _WORDS:
        raise InvalidFields({"html": ["Must be a valid boolean."]})
    return _WORDS[given.lower()]


async def with_html(answer: AnswerOut) -> AnswerOut:
    """An answer with its HTML; drawn on a thread, since it is CPU time."""
    html = await on_thread(lambda: render(answer.output, answer.claims, answer.citations))
    return changed(answer, html=html)


async def again_with_html(stored: Stored) -> Stored:
    """The same for an answer that is kept for requests sent again; it is kept without."""
    answer = msgspec.json.decode(stored.body, type=AnswerOut)
    return replace(stored, body=encode_json(await with_html(answer)))


async def each_with_html(messages: Sequence[MessageOut]) -> list[MessageOut]:
    """Messages of a chat; only an assistant's have HTML."""
    return await on_thread(lambda: [_drawn(one) for one in messages])


async def on_thread(draw: Callable[[], T]) -> T:
    """What drawing gives, whoever it is for: never more than `THREADS` draw at once."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, draw)


def _drawn(message: MessageOut) -> MessageOut:
    if message.role != "assistant":
        return message
    return changed(message, html=render(message.content, message.claims, message.citations))
