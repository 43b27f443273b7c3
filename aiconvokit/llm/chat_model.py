"""The ChatModel protocol, and every OpenAI-compatible server behind it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

import httpx2
import openai

from aiconvokit.llm.answer import Answer, broke_off
from aiconvokit.llm.calibration import Calibration
from aiconvokit.llm.chat_events import (
    ChatEvent,
    ChatMessage,
    Completed,
    Delta,
    Restarted,
    Usage,
)
from aiconvokit.llm.client import CHAT_MODEL, open_client, upstream_message, wait_to_retry
from aiconvokit.llm.errors import InputTooLong, ModelError
from aiconvokit.llm.functions import Offered, names_tools, refused, takes_no_tools, without_tools
from aiconvokit.llm.learning import taken
from aiconvokit.llm.limits import is_too_long
from aiconvokit.llm.requests import chat_request
from aiconvokit.llm.sse import arrivals
from aiconvokit.llm.traits import Memory, Traits
from aiconvokit.telemetry import models as told

__all__ = [
    "ChatEvent",
    "ChatMessage",
    "ChatModel",
    "Completed",
    "Delta",
    "OpenAIChatModel",
    "Restarted",
    "Usage",
]

DEADLINE_SECONDS = 120.0
REFUSAL_HOLDS_SECONDS = 600.0
"""After it functions are offered again: a server may have been started anew with what it takes."""


class ChatModel(Protocol):
    """Answers a list of messages, piece by piece."""

    @property
    def name(self) -> str:
        """The model's name as its server spells it."""
        ...

    @property
    def traits(self) -> Traits:
        """What is known of its server now."""
        ...

    def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        offered: Offered | None = None,
    ) -> AsyncGenerator[ChatEvent]:
        """Yield the answer; the last event is `Completed`. Closing it stops the model at once.

        Args:
            messages: the prompt; neighbours of one role are merged.
            max_tokens: bound of the answer, where the server takes one; None: its own.
            offered: functions that it may call.

        Raises:
            ModelError: there is no answer, or it broke off. `InputTooLong` tells the limit; the
                code `model_without_tools` that functions cannot be offered.
        """
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


class OpenAIChatModel:
    """A model behind `/chat/completions`.

    Asks for a stream and for as little else as possible, tries twice while no piece has come, and
    is over at one deadline. One instance a process: it remembers what its server is like.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        deadline_s: float = DEADLINE_SECONDS,
        traits: Traits | None = None,
        on_learnt: Callable[[Traits], None] | None = None,
    ) -> None:
        self._client = open_client(base_url, api_key)
        self._api_key = api_key
        self._model = model
        self._deadline_s = deadline_s
        self._memory = Memory(traits or Traits(), on_learnt)
        self._calibration = Calibration(self._memory, model)
        self._refused_at = time.monotonic()

    @property
    def name(self) -> str:
        return self._model

    @property
    def traits(self) -> Traits:
        refused_for = time.monotonic() - self._refused_at
        if self._memory.traits.calls_tools is False and refused_for >= REFUSAL_HOLDS_SECONDS:
            self._memory.keep(calls_tools=None)
        return self._memory.traits

    async def stream(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int | None = None,
        offered: Offered | None = None,
    ) -> AsyncGenerator[ChatEvent]:
        if offered is not None and self.traits.calls_tools is False:
            raise without_tools()
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        tried = 0
        while True:
            begun = False
            try:
                attempt = self._attempt(messages, max_tokens, offered, deadline)
                async with aclosing(attempt) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except ModelError as error:
                told.failed("chat", self._model, error.code)
                tried += 1
                if isinstance(error, InputTooLong) and error.window:
                    self._memory.learn(context_window=error.window)
                if begun and error.code in {"model_unreachable", "input_too_long"}:
                    raise broke_off() from error
                if begun or not await wait_to_retry(error, tried=tried, deadline=deadline):
                    raise

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(
        self,
        messages: Sequence[ChatMessage],
        max_tokens: int | None,
        offered: Offered | None,
        deadline: float,
    ) -> AsyncGenerator[ChatEvent]:
        answer = Answer(opens_reasoning=self.traits.opens_reasoning, offered=offered)
        with CHAT_MODEL.translated(self._api_key):
            async with asyncio.timeout_at(deadline):
                response = await self._open(messages, max_tokens, offered)
            async with (
                aclosing(response),
                aclosing(response.aiter_bytes()) as body,
                aclosing(arrivals(body, deadline)) as came,
            ):
                async for payloads in came:
                    for event in answer.take(payloads):
                        yield event
                    if answer.is_full:
                        break
        answer.check(response.headers.get("content-type", "nothing"))
        for event in answer.take_rest():
            yield event
        completed = answer.completed(self._model)
        self._learn_from(answer)
        told.answered("chat", self._model)
        if completed.usage is not None:
            told.used(self._model, completed.usage.prompt_tokens, completed.usage.completion_tokens)
            if offered is None:  # templates write functions in ways that nobody can count
                await self._calibration.compare(messages, completed.usage.prompt_tokens)
        yield completed

    async def _open(
        self, messages: Sequence[ChatMessage], max_tokens: int | None, offered: Offered | None
    ) -> httpx2.Response:
        """Open the answer; what the server refuses is left out, at once and from then on.

        Functions are not: an answer without them would be one to another question.
        """
        try:
            response = await taken(
                self._memory,
                lambda traits: chat_request(self._model, messages, traits, max_tokens, offered),
                lambda asked: self._client.send("/chat/completions", asked, stream=True),
            )
        except openai.APIStatusError as refusal:
            if offered is not None:
                self._judge(refusal)
            raise
        if offered is not None and not self.traits.calls_tools:
            self._memory.learn(calls_tools=True)
        return response

    def _judge(self, refusal: openai.APIStatusError) -> None:
        """Raise where a refusal is about functions, and learn where it is about all of them."""
        status, message = refusal.status_code, upstream_message(refusal)
        if takes_no_tools(status, message):
            self._refused_at = time.monotonic()
            self._memory.learn(calls_tools=False)
            raise without_tools() from refusal
        if names_tools(status, message) and not is_too_long(message):
            raise refused() from refusal

    def _learn_from(self, answer: Answer) -> None:
        if answer.came_whole:
            self._memory.learn(streams=False)
        if answer.opens_reasoning:
            self._memory.learn(opens_reasoning=True)
        elif self.traits.opens_reasoning:  # some reason when they like: hold nothing back then
            self._memory.keep(opens_reasoning=False)
