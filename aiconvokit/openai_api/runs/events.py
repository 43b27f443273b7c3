"""A run as named server-sent events, in the order that OpenAI's helpers rely on.

run created, queued, in progress -> step and message created -> deltas -> message, step and run at
their end -> done. A run that waits for functions ends so with their calls; what goes on begins with
their step's end. What a message says at its end is the whole truth: where a model's reasoning was
taken for its answer, the deltas before that hold words that the answer has not.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.answer import Called, Cited, Event, Started, TextDelta
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.tables import Message, Thread
from aiconvokit.chat.turn import Done, stored_citation
from aiconvokit.errors import AIConvoKitError, DatabaseAway, NotFound
from aiconvokit.llm.chat_model import Restarted
from aiconvokit.openai_api.annotations import FileCitation, file_citations
from aiconvokit.openai_api.messages.work import MessageOut, show_messages
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs import rounds_queries
from aiconvokit.openai_api.runs.rounds import rounds_of
from aiconvokit.openai_api.runs.show import ACTIVE, show_begun, show_run
from aiconvokit.openai_api.runs.steps import (
    StepOut,
    ToolCalls,
    calls_of,
    calls_step,
    file_results,
    found_of,
    message_step,
    round_steps,
    search_step,
    step_results,
)
from aiconvokit.openai_api.runs.work import Ended
from aiconvokit.openai_api.tables import Run
from aiconvokit.rest.body import ApiRequest
from aiconvokit.rest.openai_errors import error_body
from aiconvokit.rest.problems import as_ours
from aiconvokit.rest.sse import event
from aiconvokit.services import Services

LAST = b"event: done\ndata: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Listening:
    """Who listens to which run: `request` is theirs, `events` are those of its turn.

    `trace` is that turn's; of one that was begun by an earlier request an empty one. `goes_on`:
    it waited for functions, and was told of before.
    """

    request: ApiRequest
    services: Services
    thread: Thread
    run: Run
    trace: Trace
    events: AsyncGenerator[Event | Ended, None]
    goes_on: bool = False


async def told(listening: Listening, first: Sequence[bytes] = ()) -> AsyncGenerator[bytes]:
    """What happens in a run, to its end, behind some events that come first."""
    teller = _Teller(listening)
    try:
        async with aclosing(listening.events) as events:
            for one in [*first, *teller.begin()]:
                yield one
            async for happened in events:
                for one in await teller.tell(happened):
                    yield one
    except Exception as error:  # noqa: BLE001  # whatever it is, the stream ends with a word on it
        yield failed(as_ours(listening.request, error))
    yield LAST


def failed(problem: AIConvoKitError) -> bytes:
    """The event about what keeps a stream from going on; of the run it says nothing."""
    return event("error", error_body(problem)["error"])


def cut_off(problem: AIConvoKitError) -> bytes:
    """The end of a stream that is not told to the run's end."""
    return failed(problem) + LAST


def _opened(step: StepOut) -> Iterator[bytes]:
    yield event("thread.run.step.created", step)
    yield event("thread.run.step.in_progress", step)


def _closed(step: StepOut) -> bytes:
    return event(f"thread.run.step.{step.status}", step)


class _Delta(Struct):
    """A piece of a message or of a step."""

    id: str
    object: str
    delta: dict[str, Any]


def _called(step: StepOut) -> Iterator[bytes]:
    """Calls of functions, each in two pieces: what is called, and with what."""
    begun = msgspec.structs.replace(step, status="in_progress", completed_at=None, usage=None)
    yield from _opened(msgspec.structs.replace(begun, step_details=ToolCalls([])))
    kind = "thread.run.step.delta"
    for index, call in enumerate(calls_of(step)):
        function = call.function
        named = {"name": function.name, "arguments": "", "output": None}
        for piece in (
            {"id": call.id, "function": named},
            {"function": {"arguments": function.arguments}},
        ):
            told = {"type": "tool_calls", "tool_calls": [{"index": index, **_FUNCTION, **piece}]}
            yield event(kind, _Delta(step.id, kind, {"step_details": told}))
    if step.status != "in_progress":
        yield _closed(step)


_FUNCTION = {"type": "function"}


class _Teller:
    """Keeps what was told so far: the text, its citations, and which objects are there."""

    def __init__(self, listening: Listening) -> None:
        self._services = listening.services
        self._thread = listening.thread
        self._run = listening.run
        self._trace = listening.trace
        self._message_id = ""
        self._text = ""
        self._citations: list[dict[str, Any]] = []
        self._file_ids: dict[int, str] = {}
        self._annotated = 0
        self._is_new = not listening.goes_on
        kept = [] if self._is_new else rounds_of(listening.run)
        self._told_rounds = sum(one.outputs is not None for one in kept)
        self._searches = self._is_new and bool(listening.run.parameters["searches"])
        self._has_searched = False

    def begin(self) -> list[bytes]:
        """The run, and the search that it begins with, or the calls that it waited for."""
        run, thread_id = self._run, self._thread.public_id
        shown = show_begun(run, thread_id)
        waiting = msgspec.structs.replace(shown, status="queued")
        told = [event("thread.run.created", waiting)] if self._is_new else []
        if self._told_rounds:
            told.append(_closed(calls_step(run, thread_id, None, self._told_rounds - 1)))
        told.append(event("thread.run.queued", waiting))
        told.append(event("thread.run.in_progress", shown))
        if self._searches:
            told += _opened(search_step(run, thread_id, Message(status="in_progress"), None))
        return told

    async def tell(self, happened: Event | Ended) -> list[bytes]:
        """One thing that happened, as none to several events."""
        match happened:
            case Started():
                return await self._searched()
            case Cited():
                await self._cite(happened)
            case TextDelta():
                opening = [] if self._message_id else await self._begin_message()
                return [*opening, self._delta(happened.text)]
            case Restarted():
                self._text, self._citations, self._annotated = "", [], 0
            case Ended():
                return await self._end()
            case Called() | Done():
                """What it came to is told at the end."""
        return []

    async def _searched(self) -> list[bytes]:
        if not self._searches:
            return []
        self._has_searched = True
        found = [found_of(rank, one) for rank, one in enumerate(self._trace.found, start=1)]
        async with self._services.sessions() as session:
            file_ids = await file_ids_of(session, {one["document_id"] for one in found})
        results = file_results(found, file_ids, {})
        return [_closed(search_step(self._run, self._thread.public_id, None, results))]

    async def _begin_message(self) -> list[bytes]:
        """The message whose first words come now: the answer, or what is said beside calls."""
        async with self._services.sessions() as session:
            run, answer = await self._found(session)
            shown = (await show_messages(session, self._thread, [answer]))[0]
        begun = Message(public_id=answer.public_id, status="in_progress")
        return self._open_message(shown, message_step(run, self._thread.public_id, begun))

    def _open_message(self, message: MessageOut, step: StepOut) -> list[bytes]:
        self._message_id, self._text = message.id, ""
        shown = msgspec.structs.replace(
            message, status="in_progress", incomplete_details=None, completed_at=None, content=[]
        )
        begun = msgspec.structs.replace(step, status="in_progress", completed_at=None, usage=None)
        return [
            *_opened(begun),
            event("thread.message.created", shown),
            event("thread.message.in_progress", shown),
        ]

    async def _cite(self, happened: Cited) -> None:
        stored = stored_citation(happened.citation)
        self._citations.append(stored)
        if stored["document_id"] not in self._file_ids:
            async with self._services.sessions() as session:
                self._file_ids |= await file_ids_of(session, [stored["document_id"]])

    def _delta(self, text: str) -> bytes:
        self._text += text
        said: dict[str, Any] = {"value": text}
        # Marks come whole, in the piece that they are first told with.
        if "]" in text and (new := list(self._new_annotations())):
            said["annotations"] = new
        content = [{"index": 0, "type": "text", "text": said}]
        kind = "thread.message.delta"
        return event(kind, _Delta(self._message_id, kind, {"content": content}))

    def _new_annotations(self) -> Iterator[dict[str, Any]]:
        found: list[FileCitation] = file_citations(self._text, self._citations, self._file_ids)
        for index in range(self._annotated, len(found)):
            yield {"index": index, **msgspec.to_builtins(found[index])}
        self._annotated = max(self._annotated, len(found))

    async def _end(self) -> list[bytes]:
        thread_id = self._thread.public_id
        async with self._services.sessions() as session:
            run, answer = await self._found(session)
            results = await step_results(session, answer, with_content=False)
            rows = [one.said for one in rounds_of(run)[self._told_rounds :] if one.said]
            said = await rounds_queries.messages_by_row(session, rows)
            messages = await show_messages(session, self._thread, [*said.values(), answer])
        shown, told = show_run(run, thread_id, answer), list[bytes]()
        goes_on_already = len(rounds_of(run)) > self._told_rounds
        if shown.status in ACTIVE and not goes_on_already:  # what it came to could not be stored
            raise DatabaseAway
        if self._searches and not self._has_searched:  # it failed, or was stopped
            told.append(_closed(search_step(run, thread_id, answer, results)))
        texts = {one.public_id: one.content for one in [*said.values(), answer]}
        by_id = {one.id: one for one in messages}
        steps = round_steps(run, thread_id, answer, said, first=self._told_rounds)
        if self._message_id == answer.public_id or answer.content:
            steps.append(message_step(run, thread_id, answer))
        for step in steps:
            if isinstance(step.step_details, ToolCalls):
                told += _called(step)
                continue
            message = by_id[step.step_details.message_creation.message_id]
            if self._message_id != message.id:  # told by nobody until now
                told += [*self._open_message(message, step), self._delta(texts[message.id])]
            is_whole = message.status == "completed"
            told.append(
                event(f"thread.message.{'completed' if is_whole else 'incomplete'}", message)
            )
            told.append(_closed(step))
        return [*told, event(f"thread.run.{shown.status}", shown)]

    async def _found(self, session: AsyncSession) -> tuple[Run, Message]:
        row = await run_queries.run_of(session, self._thread.id, self._run.public_id)
        if row is None or row.answer is None:
            raise NotFound.of("Run")
        return row.run, row.answer
