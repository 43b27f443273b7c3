"""One question to a chat model, with how the answer came."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiconvokit.llm.chat_model import ChatMessage, ChatModel, Completed, Delta, Restarted
from aiconvokit.llm.functions import Offered


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: in how many arrivals, when the first came and when it was over (seconds)."""

    arrivals: int
    first_seconds: float
    seconds: float
    completed: Completed


async def ask(
    model: ChatModel,
    messages: Sequence[ChatMessage],
    max_tokens: int | None,
    offered: Offered | None = None,
) -> Heard:
    """Ask, and listen to the end.

    Raises:
        ModelError: there is no answer.
    """
    began = time.perf_counter()
    arrivals, first = 0, 0.0
    completed = Completed(None, None, model.name)
    stream = model.stream(messages, max_tokens=max_tokens, offered=offered)
    async with aclosing(stream) as events:
        async for event in events:
            match event:
                case Delta():
                    arrivals += 1
                    first = first or time.perf_counter() - began
                case Restarted():
                    arrivals, first = 0, 0.0
                case Completed():
                    completed = event
    return Heard(arrivals, first, time.perf_counter() - began, completed)
