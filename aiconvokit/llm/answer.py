"""Puts the events of one answer together and judges whether it is whole."""

from collections.abc import Iterator, Sequence

from aiconvokit.llm.calls import Calls
from aiconvokit.llm.chat_events import Completed, Delta, Restarted, Usage
from aiconvokit.llm.client import CHAT_MODEL
from aiconvokit.llm.errors import ModelError
from aiconvokit.llm.functions import Offered
from aiconvokit.llm.sse import DONE
from aiconvokit.llm.text import scrub
from aiconvokit.llm.think import ThinkFilter
from aiconvokit.llm.wire import ChatChunk, TokenUsage, read_chunk

MOST_TOKENS = 2**31 - 1
CALLED = "tool_calls"
"""The finish reason of an answer that ends with calls of functions."""
LONGEST_ANSWER = 200_000
"""Characters; a model that repeats itself would go on until the deadline."""


class Answer:
    """One answer while it comes.

    Attributes:
        came_whole: the server did not stream it.
    """

    def __init__(self, *, opens_reasoning: bool, offered: Offered | None = None) -> None:
        self.came_whole = False
        self._calls = Calls(offered)
        self._think = ThinkFilter(opened=opens_reasoning)
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
        return self._length + self._calls.length >= LONGEST_ANSWER

    @property
    def opens_reasoning(self) -> bool:
        """Whether this answer began inside of reasoning; its tag was only closed."""
        return self._think.closes_only

    def take(self, payloads: Sequence[bytes]) -> Iterator[Delta | Restarted]:
        """Read what came at once; yields what it means for whoever reads the answer.

        Raises:
            ModelError: it holds an error, or nothing of an answer; what came before it is yielded.
            ValueError: it cannot be read.
        """
        self._has_events = True
        said: list[str] = []
        fault: Exception | None = None
        try:
            said.extend(self._read(payload) for payload in payloads if payload != DONE)
        except (ModelError, ValueError) as error:
            fault = error
        yield from self._add(self._think.feed(scrub("".join(said))))
        if fault is not None:
            raise fault
        self._has_ended = self._has_ended or DONE in payloads

    def take_rest(self) -> list[Delta | Restarted]:
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
            raise broke_off()

    def completed(self, asked_model: str) -> Completed:
        """The last event.

        Raises:
            ModelError: the model said nothing; a filter that took everything away says so itself.
                Or it calls what was not offered.
        """
        text = "".join(self._parts)
        has_said = text.strip() or self._calls.has_begun
        if not has_said and self._finish_reason != "content_filter":
            raise ModelError(
                "The chat model gave an empty answer. Ask again, or ask differently.",
                code="model_empty_answer",
            )
        usage = None
        if (counted := self._usage) is not None:
            usage = Usage(_count(counted.prompt_tokens), _count(counted.completion_tokens))
        reason = "length" if self.is_full else self._finish_reason
        model = self._model or asked_model
        is_cut = reason in {"length", "content_filter"}  # a part of a call is not to be run
        if is_cut or not self._calls.has_begun:
            return Completed(reason, usage, model, text)
        return Completed(CALLED, usage, model, text, self._calls.whole())

    def _read(self, payload: bytes) -> str:
        chunk = read_chunk(payload)
        if chunk.error is not None:
            raise CHAT_MODEL.told_error(str(chunk.error))
        if chunk.choices is None and chunk.usage is None:
            raise CHAT_MODEL.bad_answer("sent an answer without choices. Try again.")
        self._model = chunk.model or self._model
        self._usage = chunk.usage or self._usage
        return self._content(chunk)

    def _content(self, chunk: ChatChunk) -> str:
        if not chunk.choices:
            # some servers send usage along with every piece: only alone it is the end
            self._has_ended = self._has_ended or chunk.usage is not None
            return ""
        choice = chunk.choices[0]
        if choice.finish_reason:
            self._finish_reason, self._has_ended = choice.finish_reason, True
        if choice.message is not None and choice.delta is None:
            self.came_whole = self._has_ended = True
        said = choice.delta or choice.message
        if said is not None and said.tool_calls:
            self._calls.take(said.tool_calls)
        return said.text if said else ""

    def _add(self, text: str) -> list[Delta | Restarted]:
        events: list[Delta | Restarted] = []
        if self._think.took_back and not self._has_restarted:
            self._has_restarted = True
            if self._length:
                events.append(Restarted())
            self._parts.clear()
            self._length = 0
        if text := text[: LONGEST_ANSWER - self._length]:
            self._parts.append(text)
            self._length += len(text)
            events.append(Delta(text))
        return events


def broke_off() -> ModelError:
    """The server stopped in the middle."""
    return CHAT_MODEL.bad_answer("broke off in the middle of its answer. Ask again.")


def _count(told: int | None) -> int:
    """Tokens as a server told them, within what a sum can hold."""
    return min(max(told or 0, 0), MOST_TOKENS)
