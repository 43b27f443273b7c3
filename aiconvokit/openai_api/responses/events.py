"""A response as named server-sent events, in the order that OpenAI's helpers rely on.

created, in progress -> the search -> the message: its part, deltas, annotations -> the calls of
functions -> the end, each item done before the next. What an item says when it is done is the whole
truth: where a model's reasoning was taken for its answer, the deltas before that hold words that
the answer has not.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from aiconvokit.chat.answer import Cited, Event, Started, TextDelta
from aiconvokit.chat.turn import stored_citation
from aiconvokit.errors import AIConvoKitError, DatabaseAway
from aiconvokit.llm.chat_model import Restarted
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.responses.schemas import (
    CallItem,
    FileCitation,
    MessageItem,
    OutputItem,
    OutputText,
    ResponseOut,
    SearchItem,
)
from aiconvokit.openai_api.responses.show import ACTIVE, annotations_of, search_id
from aiconvokit.openai_api.runs.work import Ended
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openai_errors import error_body
from aiconvokit.rest.problems import as_ours
from aiconvokit.rest.sse import event
from aiconvokit.services import Services


@dataclass(frozen=True, slots=True)
class Listening:
    """Who listens to which response.

    `begun` is it at its beginning, which `searches` or does not; `message_id` is its answer's.
    `found` shows the search once it is over, and `outcome` the whole once nothing happens any more,
    given what went wrong on the way.
    """

    request: ApiRequest
    services: Services
    begun: ResponseOut
    searches: bool
    message_id: str
    found: Callable[[], Awaitable[SearchItem]]
    outcome: Callable[[AIConvoKitError | None], Awaitable[ResponseOut]]
    events: AsyncGenerator[Event | Ended]


class Teller:
    """Tells a response to its end, and knows what it told."""

    def __init__(self, listening: Listening) -> None:
        """Take what is told, and to whom."""
        self._listening = listening
        self._number = 0
        self._index = 0
        """Of the item that is told, or of the next one."""
        self._text = ""
        self._citations: list[dict[str, Any]] = []
        self._file_ids: dict[int, str] = {}
        self._annotated = 0
        self._writes = False
        self._searches = listening.searches

    async def told(self) -> AsyncGenerator[bytes]:
        """What happens, to its end; what goes wrong on the way is told as how it ended."""
        problem: AIConvoKitError | None = None
        try:
            async with aclosing(self._listening.events) as events:
                for one in self._begin():
                    yield one
                async for happened in events:
                    for one in await self._tell(happened):
                        yield one
        except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with a word
            problem = as_ours(self._listening.request, error)
        try:
            for one in self._end(await self._outcome(problem)):
                yield one
        except Exception as error:  # noqa: BLE001  # as above
            yield self.cut_off(as_ours(self._listening.request, error))

    def cut_off(self, problem: AIConvoKitError) -> bytes:
        """The last event of a stream that is not told to the response's end."""
        told = error_body(problem)["error"]
        named = {name: told[name] for name in ("code", "message", "param")}
        return self._event("error", **named)

    async def _outcome(self, problem: AIConvoKitError | None) -> ResponseOut:
        final = await self._listening.outcome(problem)
        if final.status in ACTIVE:  # what it came to could not be stored
            raise problem or DatabaseAway
        return final

    def _begin(self) -> Iterator[bytes]:
        begun = self._listening.begun
        first = "queued" if begun.background else "in_progress"
        told = msgspec.structs.replace(begun, status=first)
        yield self._event("response.created", response=told)
        if begun.background:
            yield self._event("response.queued", response=told)
        yield self._event("response.in_progress", response=begun)
        if self._searches:
            yield self._added(SearchItem(search_id(begun.id), "in_progress", []))
            for name in ("in_progress", "searching"):
                yield self._of_search(begun.id, name)

    async def _tell(self, happened: Event | Ended) -> list[bytes]:
        """One thing that happened, as none to several events."""
        match happened:
            case Started() if self._searches:
                return list(self._searched(await self._listening.found()))
            case Cited():
                await self._cite(happened)
            case TextDelta():
                opening = [] if self._writes else list(self._open())
                return [*opening, *self._said(happened.text)]
            case Restarted():
                self._text, self._citations, self._annotated = "", [], 0
            case _:
                """What it came to is told at the end."""
        return []

    def _searched(self, item: SearchItem) -> Iterator[bytes]:
        self._searches = False
        if item.status == "completed":
            yield self._of_search(self._listening.begun.id, "completed")
        yield self._done(item)

    def _open(self) -> Iterator[bytes]:
        self._writes = True
        yield self._added(self._message("in_progress", []))
        yield self._of_part("response.content_part.added", part=OutputText("", []))

    async def _cite(self, happened: Cited) -> None:
        stored = stored_citation(happened.citation)
        self._citations.append(stored)
        if stored["document_id"] not in self._file_ids:
            async with self._listening.services.sessions() as session:
                self._file_ids |= await file_ids_of(session, [stored["document_id"]])

    def _said(self, text: str) -> Iterator[bytes]:
        offset = len(self._text)
        self._text += text
        yield self._of_part("response.output_text.delta", delta=text, logprobs=[])
        # Marks come whole, in the piece that they are first told with.
        noted = annotations_of(text, self._citations, self._file_ids, offset)
        yield from self._annotations(noted)

    def _annotations(self, noted: list[FileCitation]) -> Iterator[bytes]:
        kind = "response.output_text.annotation.added"
        for one in noted:
            yield self._of_part(kind, annotation=one, annotation_index=self._annotated)
            self._annotated += 1

    def _end(self, final: ResponseOut) -> Iterator[bytes]:
        """What is not told yet, and the whole."""
        shown: list[OutputItem] = list(final.output)
        if self._searches:  # it failed, or was stopped; or it is told by nobody until now
            known = [one for one in shown if isinstance(one, SearchItem)]
            yield from self._searched(
                known[0] if known else SearchItem(search_id(final.id), "incomplete", [])
            )
        messages = [one for one in shown if isinstance(one, MessageItem)]
        if messages or self._writes:
            status = "completed" if final.status == "completed" else "incomplete"
            empty = self._message(status, [OutputText("", [])])
            yield from self._close(messages[0] if messages else empty)
        for one in shown:
            if isinstance(one, CallItem):
                yield from self._call(one)
        yield self._event(_ENDS.get(final.status, "response.completed"), response=final)

    def _close(self, item: MessageItem) -> Iterator[bytes]:
        [part] = item.content
        if not self._writes:
            yield from self._open()
            yield self._of_part("response.output_text.delta", delta=part.text, logprobs=[])
            if isinstance(part, OutputText):
                yield from self._annotations(part.annotations)
        yield self._of_part("response.output_text.done", text=part.text, logprobs=[])
        yield self._of_part("response.content_part.done", part=part)
        yield self._done(item)

    def _call(self, item: CallItem) -> Iterator[bytes]:
        kind = "response.function_call_arguments"
        yield self._added(msgspec.structs.replace(item, status="in_progress", arguments=""))
        at = {"item_id": item.id, "output_index": self._index}
        yield self._event(f"{kind}.delta", **at, delta=item.arguments)
        yield self._event(f"{kind}.done", **at, name=item.name, arguments=item.arguments)
        yield self._done(item)

    def _message(self, status: Any, content: list[Any]) -> MessageItem:
        return MessageItem(self._listening.message_id, status, "assistant", content)

    def _added(self, item: OutputItem) -> bytes:
        return self._event("response.output_item.added", output_index=self._index, item=item)

    def _done(self, item: OutputItem) -> bytes:
        told = self._event("response.output_item.done", output_index=self._index, item=item)
        self._index += 1
        return told

    def _of_search(self, response_id: str, name: str) -> bytes:
        at = {"item_id": search_id(response_id), "output_index": self._index}
        return self._event(f"response.file_search_call.{name}", **at)

    def _of_part(self, kind: str, **told: Any) -> bytes:
        at = {"item_id": self._listening.message_id, "output_index": self._index}
        return self._event(kind, **at, content_index=0, **told)

    def _event(self, kind: str, **told: Any) -> bytes:
        numbered = {"type": kind, "sequence_number": self._number, **told}
        self._number += 1
        return event(kind, numbered)


_ENDS = {
    "failed": "response.failed",
    "incomplete": "response.incomplete",
    "cancelled": "response.incomplete",  # no client knows an event of its own for it
}
