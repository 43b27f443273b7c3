"""A turn: from a question to a proven answer. Every surface consumes `run_turn`.

begin (tx: lease, messages) -> search (embed, SQL) -> prompt -> model (no connection held), its
text proven as it comes -> record (tx: answer, receipt, lease) -> done
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiconvokit.chat.attribution import ABSTENTION, attribute
from aiconvokit.chat.extractive import extract
from aiconvokit.chat.lease import renewed
from aiconvokit.chat.prompt import fitting_sources
from aiconvokit.chat.proof import Attributed, Citation, Source
from aiconvokit.chat.sources import find_sources
from aiconvokit.chat.turn import Along, Asked, Done, StoredTurn, abandon, begin, record
from aiconvokit.chat.turn_state import Turn
from aiconvokit.chat.unfolding import Released
from aiconvokit.chat.written import write
from aiconvokit.errors import AIConvoKitError
from aiconvokit.llm.chat_model import ChatModel, Restarted
from aiconvokit.llm.functions import FunctionCall, no_model, without_tools
from aiconvokit.services import Services

STILL_READING = "The documents are still being read. Please ask again in a moment."

EXTRACTIVE = "extractive"
"""The `model` of an answer that no model wrote."""


@dataclass(frozen=True, slots=True)
class Started:
    """The question is stored and the passages are found."""

    chat_id: int
    message_id: str
    passages: int


@dataclass(frozen=True, slots=True)
class Cited:
    """A quote that the next piece of text is the first to cite."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the output; all of them (since the last `Restarted`) together are the output."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model calls functions that the turn offered: its answer ends with that."""

    calls: tuple[FunctionCall, ...]


Event = Started | Cited | TextDelta | Called | Restarted | Done


async def run_turn(
    services: Services, asked: Asked, along: Along | None = None
) -> AsyncGenerator[Event, None]:
    """Answer a question in a chat; the answer is stored, `along` with it, before `Done` is yielded.

    Closing the generator, or cancelling who reads it, stops the model; what was said until then is
    stored as `interrupted`.

    Raises:
        NotFound, InvalidFields: the question cannot be asked there; nothing is stored.
        ChatBusy: another turn of this chat is in work; nothing is stored.
        UpstreamFailed: a model or embedder failed; the question is kept, the answer `failed`, or
            `interrupted` when some of it was there.
    """
    turn = await begin(services, asked)
    async with aclosing(carry_on(services, turn, along)) as events:
        async for event in events:
            yield event


async def to_the_end(events: AsyncGenerator[Event]) -> Done:
    """A turn's answer, for who wants it whole."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Done):
                return event
    raise AIConvoKitError


async def carry_on(
    services: Services, turn: StoredTurn, along: Along | None = None
) -> AsyncGenerator[Event, None]:
    """A turn that has begun, to its end: as `run_turn`, which begins it, too."""
    try:
        async with renewed(services, turn.thread_id, turn.lease) as renewal:
            sources = await find_sources(services, turn)
            yield Started(turn.chat_id, turn.message_id, len(sources or ()))
            async with aclosing(answer(services, turn, sources)) as events:
                async for event in events:
                    yield event
                    if renewal.is_lost:  # nobody will have it: `record` says why
                        break
        done = await record(services, turn, along)
    except AIConvoKitError as error:
        await asyncio.shield(abandon(services, turn, error.code))
        raise
    except BaseException:  # cancelled, closed, or our own fault: the thread must not stay taken
        await asyncio.shield(abandon(services, turn, None))
        raise
    yield done


async def answer(
    services: Services, turn: Turn, sources: Sequence[Source] | None
) -> AsyncGenerator[Cited | TextDelta | Called | Restarted, None]:
    """The answer piece by piece, kept in `turn.answer` as far as it came.

    Args:
        services: the model.
        turn: what is asked.
        sources: as `find_sources` found them.

    Raises:
        UpstreamFailed: the model failed, or there is none that could call what is offered.
    """
    if turn.offered is not None:
        ensure_offerable(services)
    if sources is None:
        for event in _say(turn, attribute(STILL_READING, [])):
            yield event
        return
    if services.chat_model is not None:
        async with aclosing(_written(services, services.chat_model, turn, sources)) as written:
            async for piece in written:
                yield piece
        if turn.answer.calls:
            yield Called(turn.answer.calls)
            return
        if turn.answer.proven.output.strip():  # small models answer "[4]" and nothing else
            return
    trace, budget = turn.trace, services.settings.limits.passage_tokens
    trace.sent = trace.sent or fitting_sources(sources, budget)
    with trace.timed("extract"):
        extracted = await asyncio.to_thread(  # tens of milliseconds of CPU
            extract, turn.question, trace.sent, history=turn.asked_before
        )
    for event in _say(turn, extracted or attribute(ABSTENTION, [])):
        yield event


async def _written(
    services: Services, model: ChatModel, turn: Turn, sources: Sequence[Source]
) -> AsyncGenerator[Cited | TextDelta | Restarted, None]:
    """What the model writes."""
    said = ""
    async with aclosing(write(services, model, turn, sources)) as pieces:
        async for piece in pieces:
            if not isinstance(piece, Released):
                said = ""
                yield piece
                continue
            held = "" if said.strip() else said  # what is blank may be all there is
            said += piece.text
            if said.strip():
                for event in _events(held + piece.text, piece.citations):
                    yield event


def ensure_offerable(services: Services) -> None:
    """Make sure that functions can be offered at all, before anything is done.

    Raises:
        UpstreamFailed: no model is configured, or its server was found to take no functions.
    """
    model = services.chat_model
    if model is None:
        raise no_model()
    if model.traits.calls_tools is False:
        raise without_tools()


def _say(turn: Turn, proven: Attributed) -> list[Cited | TextDelta]:
    """An answer that no model wrote, whole."""
    said = turn.answer
    said.proven, said.model, said.finish_reason, said.usage = proven, EXTRACTIVE, "stop", None
    return _events(proven.output, proven.citations)


def _events(text: str, citations: Sequence[Citation]) -> list[Cited | TextDelta]:
    """Citations before the text that holds their marks, so that a page can link them."""
    cited: list[Cited | TextDelta] = [Cited(one) for one in citations]
    return [*cited, TextDelta(text)] if text else cited
