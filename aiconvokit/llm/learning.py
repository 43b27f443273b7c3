"""A request that is sent until a server takes it: what it refuses is left out and remembered."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
import msgspec
import openai

from aiconvokit.llm.client import upstream_message
from aiconvokit.llm.requests import lesson
from aiconvokit.llm.traits import Memory, Traits

Send = Callable[[Mapping[str, Any]], Awaitable[httpx2.Response]]


async def taken(
    memory: Memory, make: Callable[[Traits], Mapping[str, Any]], send: Send
) -> httpx2.Response:
    """The answer to a request; lessons are kept once a request that heeds them was taken.

    Args:
        memory: what is known of the server.
        make: the request's body for a server like that.
        send: sends it.

    Raises:
        openai.OpenAIError: no answer, or a refusal that teaches nothing.
    """
    traits, lessons = memory.traits, dict[str, Any]()
    while True:
        asked = make(traits)
        try:
            response = await send(asked)
        except openai.APIStatusError as refusal:
            learnt = lesson(refusal.status_code, upstream_message(refusal), asked, traits)
            if learnt is None:
                raise
            lessons |= learnt
            traits = msgspec.structs.replace(traits, **learnt)
        else:
            if lessons:  # taken without it: that was what the refusal was about
                memory.learn(**lessons)
            return response
