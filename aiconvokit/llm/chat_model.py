"""The ChatModel protocol, and every OpenAI-compatible server behind it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import openai
from openai.types.chat import ChatCompletionMessageParam

from aiconvokit.llm.client import CHAT_MODEL, open_client, upstream_message, wait_to_retry
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.sse import DONE, data_lines
from aiconvokit.llm.text import scrub
from aiconvokit.llm.think import ThinkFilter
from aiconvokit.llm.wire import ChatChunk, TokenUsage, read_chunk

DEADLINE_SECONDS = 120.0
LONGEST_ANSWER = 200_000
"""Characters; a model that repeats itself would go on until the deadline."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of an answer.

    `finish_reason` is the server's, None where it gave none. `text` is the whole answer, to be
    stored: the deltas joined, but for a model whose reasoning could only be told when it was over
    (see ThinkFilter), where it is what followed.
    """

    finish_reason: str | None
    usage: Usage | None
    model: str
    text: str = ""


class ChatModel(Protocol):
    """Answers a list of messages, piece by piece."""

    @property
    def name(self) -> str:
        """The model's name as its server spells it."""
        ...

    def stream(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[Delta | Completed]:
        """Yield the answer; the last event is `Completed`. Closing it stops the model at once.

        Raises:
            ModelError: there is no answer, or it broke off.
        """
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...


class OpenAIChatModel:
    """A model behind `/chat/completions`.

    Always streams, asks for as little as possible, tries twice while no piece has come, and is over
    at one deadline. One instance a process: it remembers what its server does not understand.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        model: str,
        *,
        deadline_s: float = DEADLINE_SECONDS,
    ) -> None:
        self._client = open_client(base_url, api_key)
        self._api_key = api_key
        self._model = model
        self._deadline_s = deadline_s
        self._asks_usage = True
        self._opens_reasoning = False

    @property
    def name(self) -> str:
        return self._model

    async def stream(self, messages: Sequence[ChatMessage]) -> AsyncGenerator[Delta | Completed]:
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        tried = 0
        while True:
            begun = False
            try:
                async with aclosing(self._attempt(messages, deadline)) as events:
                    async for event in events:
                        begun = True
                        yield event
                return
            except ModelError as error:
                tried += 1
                if begun and error.code == "model_unreachable":
                    raise _broke_off() from error
                if begun or not await wait_to_retry(error, tried=tried, deadline=deadline):
                    raise

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(
        self, messages: Sequence[ChatMessage], deadline: float
    ) -> AsyncGenerator[Delta | Completed]:
        answer = _Answer(ThinkFilter(opened=self._opens_reasoning))
        async with AsyncExitStack() as stack:
            stack.enter_context(CHAT_MODEL.translated(self._api_key))
            async with asyncio.timeout_at(deadline):
                response = await self._request(stack, messages)
            body = await stack.enter_async_context(aclosing(response.iter_bytes()))
            lines = await stack.enter_async_context(aclosing(data_lines(body, deadline)))
            async for line in lines:
                if text := answer.take(line):
                    yield Delta(text)
                if answer.is_full:
                    break
        answer.check(response.headers.get("content-type", "nothing"))
        if text := answer.take_rest():
            yield Delta(text)
        self._opens_reasoning = self._opens_reasoning or answer.took_back
        yield answer.completed(self._model)

    async def _request(self, stack: AsyncExitStack, messages: Sequence[ChatMessage]) -> Any:
        """Open the stream; older vLLM refuse `stream_options`, which is then left out for good."""
        asked = self._asks_usage
        try:
            return await stack.enter_async_context(self._create(messages, with_usage=asked))
        except (openai.BadRequestError, openai.UnprocessableEntityError) as refusal:
            if not asked or "stream_options" not in upstream_message(refusal):
                raise
        self._asks_usage = False
        return await stack.enter_async_context(self._create(messages, with_usage=False))

    def _create(self, messages: Sequence[ChatMessage], *, with_usage: bool) -> Any:
        return self._client.chat.completions.with_streaming_response.create(
            model=self._model,
            messages=[_wire_message(message) for message in messages],
            stream=True,
            stream_options={"include_usage": True} if with_usage else openai.omit,
        )


class _Answer:
    """Puts the events of one answer together and judges whether it is whole."""

    def __init__(self, think: ThinkFilter) -> None:
        self._think = think
        self._parts: list[str] = []
        self._length = 0
        self._finish_reason: str | None = None
        self._usage: TokenUsage | None = None
        self._model: str | None = None
        self._has_events = False
        self._has_ended = False
        self._has_restarted = False

    @property
    def is_full(self) -> bool:
        """No more may be added."""
        return self._length >= LONGEST_ANSWER

    @property
    def took_back(self) -> bool:
        """Reasoning was passed on before its closing tag came."""
        return self._think.took_back

    def take(self, payload: str) -> str:
        """Read one event; returns what it adds to the answer."""
        self._has_events = True
        if payload == DONE:
            self._has_ended = True
            return ""
        chunk = read_chunk(payload)
        if chunk.error is not None:
            raise CHAT_MODEL.told_error(str(chunk.error))
        if chunk.choices is None and chunk.usage is None:
            raise CHAT_MODEL.bad_answer("sent an answer without choices. Try again.")
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        return self._add(self._think.feed(scrub(self._content(chunk))))

    def take_rest(self) -> str:
        """What the filter still held back."""
        return self._add(self._think.end())

    def check(self, content_type: str) -> None:
        """Tell a whole answer from one that broke off.

        Raises:
            ModelError: no event came, or neither of the signs that an answer is over.
        """
        if not self._has_events:
            raise CHAT_MODEL.bad_answer(
                f"answered with {content_type.partition(';')[0]} and no events. Check that "
                "OPENAI_BASE_URL is the address of its API; it often ends in /v1."
            )
        if not self._has_ended and not self.is_full:
            raise _broke_off()

    def completed(self, asked_model: str) -> Completed:
        """The last event.

        Raises:
            ModelError: the model said nothing; a filter that took everything away says so itself.
        """
        text = "".join(self._parts)
        if not text.strip() and self._finish_reason != "content_filter":
            raise ModelError(
                "The chat model gave an empty answer. Ask again, or ask differently.",
                code="model_empty_answer",
            )
        counted = self._usage
        usage = Usage(counted.prompt_tokens, counted.completion_tokens) if counted else None
        reason = "length" if self.is_full else self._finish_reason
        return Completed(reason, usage, self._model or asked_model, text)

    def _content(self, chunk: ChatChunk) -> str:
        if not chunk.choices:
            # some servers send usage along with every piece: only alone it is the end
            self._has_ended = self._has_ended or chunk.usage is not None
            return ""
        choice = chunk.choices[0]
        if choice.finish_reason:
            self._finish_reason, self._has_ended = choice.finish_reason, True
        return (choice.delta and choice.delta.content) or ""

    def _add(self, text: str) -> str:
        if self._think.took_back and not self._has_restarted:
            self._has_restarted = True
            self._parts.clear()
        text = text[: LONGEST_ANSWER - self._length]
        self._parts.append(text)
        self._length += len(text)
        return text


def _broke_off() -> ModelError:
    return CHAT_MODEL.bad_answer("broke off in the middle of its answer. Ask again.")


def _wire_message(message: ChatMessage) -> ChatCompletionMessageParam:
    content = scrub(message.content)
    match message.role:
        case "system":
            return {"role": "system", "content": content}
        case "user":
            return {"role": "user", "content": content}
        case "assistant":
            return {"role": "assistant", "content": content}
