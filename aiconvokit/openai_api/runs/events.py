"""A run as named server-sent events, in the order that OpenAI's helpers rely on.

run created, queued, in progress -> step and message created -> deltas -> message, step and run at
their end -> done. What a message says at its end is the whole truth: where a model's reasoning was
taken for its answer, the deltas before that hold words that the answer has not.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.answer import Cited, Event, Started, TextDelta
from aiconvokit.chat.receipt import Trace
from aiconvokit.chat.tables import Message, Thread
from aiconvokit.chat.turn import Done, stored_citation
from aiconvokit.errors import AIConvoKitError, DatabaseAway, NotFound
from aiconvokit.llm.chat_model import Restarted
from aiconvokit.openai_api.annotations import FileCitation, file_citations
from aiconvokit.openai_api.messages.work import show_messages
from aiconvokit.openai_api.queries import file_ids_of
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.show import ACTIVE, show_begun, show_run
from aiconvokit.openai_api.runs.steps import (
    StepOut,
    file_results,
    found_of,
    message_step,
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

    `trace` is that turn's; of one that was begun by an earlier request an empty one.
    """

    request: ApiRequest
    services: Services
    thread: Thread
    run: Run
    trace: Trace
    events: AsyncGenerator[Event | Ended, None]


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
        self._writes = False
        self._has_searched = False

    def begin(self) -> list[bytes]:
        """The run, and the search that it begins with."""
        run, thread_id = self._run, self._thread.public_id
        shown = show_begun(run, thread_id)
        waiting = msgspec.structs.replace(shown, status="queued")
        told = [event(f"thread.run.{name}", waiting) for name in ("created", "queued")]
        told.append(event("thread.run.in_progress", shown))
        if run.parameters["searches"]:
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
                opening = [] if self._writes else await self._open_message()
                return [*opening, self._delta(happened.text)]
            case Restarted():
                self._text, self._citations, self._annotated = "", [], 0
            case Ended():
                return await self._end()
            case Done():
                """What it came to is told at the end."""
        return []

    async def _searched(self) -> list[bytes]:
        if not self._run.parameters["searches"]:
            return []
        self._has_searched = True
        found = [found_of(rank, one) for rank, one in enumerate(self._trace.found, start=1)]
        async with self._services.sessions() as session:
            file_ids = await file_ids_of(session, {one["document_id"] for one in found})
        results = file_results(found, file_ids, {})
        return [_closed(search_step(self._run, self._thread.public_id, None, results))]

    async def _open_message(self) -> list[bytes]:
        self._writes = True
        async with self._services.sessions() as session:
            run, answer = await self._found(session)
            shown = (await show_messages(session, self._thread, [answer]))[0]
        self._message_id = answer.public_id
        begun = Message(public_id=answer.public_id, status="in_progress")
        shown = msgspec.structs.replace(
            shown, status="in_progress", incomplete_details=None, completed_at=None, content=[]
        )
        return [
            *_opened(message_step(run, self._thread.public_id, begun)),
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
            message = (await show_messages(session, self._thread, [answer]))[0]
            results = await step_results(session, answer, with_content=False)
        shown, told = show_run(run, thread_id, answer), list[bytes]()
        if shown.status in ACTIVE:  # its task ended, and could not store what it came to
            raise DatabaseAway
        if run.parameters["searches"] and not self._has_searched:  # it failed, or was stopped
            told.append(_closed(search_step(run, thread_id, answer, results)))
        if self._writes or answer.content:
            if not self._writes:  # told by nobody until now
                told += [*await self._open_message(), self._delta(answer.content)]
            is_whole = message.status == "completed"
            told.append(
                event(f"thread.message.{'completed' if is_whole else 'incomplete'}", message)
            )
            told.append(_closed(message_step(run, thread_id, answer)))
        return [*told, event(f"thread.run.{shown.status}", shown)]

    async def _found(self, session: AsyncSession) -> tuple[Run, Message]:
        row = await run_queries.run_of(session, self._thread.id, self._run.public_id)
        if row is None or row.answer is None:
            raise NotFound.of("Run")
        return row.run, row.answer
