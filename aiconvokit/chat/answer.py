"""A turn: from a question to a proven answer. Every surface consumes `run_turn`.

begin (tx: lease, messages) -> search (embed, SQL) -> prompt -> model (no connection held)
-> citations -> record (tx: answer, receipt, lease) -> done
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiconvokit.chat import prompt, queries
from aiconvokit.chat.attribution import ABSTENTION, assemble, attribute, draft, finish
from aiconvokit.chat.extractive import extract
from aiconvokit.chat.lease import renewed
from aiconvokit.chat.proof import Attributed, Source
from aiconvokit.chat.similarity import SUPPORT_FROM
from aiconvokit.chat.sources import find_sources
from aiconvokit.chat.turn import Done, Turn, Written, abandon, begin, record
from aiconvokit.errors import AIConvoKitError, UpstreamFailed
from aiconvokit.llm.chat_model import ChatMessage, ChatModel, Completed
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
class TextDelta:
    """A piece of the output; all of them together are the output."""

    text: str


Event = Started | TextDelta | Done


async def run_turn(
    services: Services, chat: queries.ChatRow, question: str
) -> AsyncGenerator[Event, None]:
    """Answer a question in a chat; the answer is stored before `Done` is yielded.

    Raises:
        ChatBusy: another turn of this chat is in work.
        UpstreamFailed: a model or embedder failed; the question is kept, the answer `failed`.
    """
    turn = await begin(services, chat, question)
    try:
        async with renewed(services, turn.thread_id, turn.lease):
            sources = await find_sources(services, turn)
            yield Started(turn.chat_id, turn.message_id, len(sources or ()))
            written = await _write(services, turn, sources)
        done = await record(services, turn, written)
    except AIConvoKitError as error:
        await abandon(services, turn, "failed", error.code)
        raise
    except BaseException:  # cancelled, closed, or our own fault: the thread must not stay taken
        await asyncio.shield(abandon(services, turn, "interrupted", None))
        raise
    yield TextDelta(done.output)
    yield done


async def _write(services: Services, turn: Turn, sources: Sequence[Source] | None) -> Written:
    if sources is None:
        return Written(attribute(STILL_READING, []), EXTRACTIVE, "stop")
    if services.chat_model is None:
        return await _extract(turn, sources)
    trace = turn.trace
    trace.asked, trace.messages = services.chat_model.name, _messages(services, turn, sources)
    with trace.timed("model"):
        completed = await _ask(services.chat_model, trace.messages)
    with trace.timed("attribution"):
        proven = await _prove(services, completed.text, sources, turn.question)
    if not proven.output.strip():  # small models answer "[4]" and nothing else
        return await _extract(turn, sources)
    return Written(proven, completed.model, completed.finish_reason, completed.usage)


def _messages(services: Services, turn: Turn, sources: Sequence[Source]) -> list[ChatMessage]:
    return prompt.build(
        instructions=turn.assistant.instructions,
        company_name=turn.assistant.company_name,
        history=prompt.fitting_history(turn.history, services.settings.limits.history_tokens),
        question=turn.question,
        sources=sources,
        has_documents=any(one.chunk_count for one in turn.collections),
    )


async def _ask(model: ChatModel, messages: Sequence[ChatMessage]) -> Completed:
    """The model's whole answer; its marks are hints that `attribute` replaces."""
    completed = None
    async with aclosing(model.stream(messages)) as events:
        async for event in events:
            if isinstance(event, Completed):
                completed = event
    if completed is None:
        raise AIConvoKitError
    return completed


async def _prove(
    services: Services, answer: str, sources: Sequence[Source], question: str
) -> Attributed:
    """Attribution; vectors only where answer and documents are in different languages."""
    drafted = await asyncio.to_thread(draft, answer, sources, question)
    embedder = services.embedder
    if not drafted.claims or embedder.model not in SUPPORT_FROM:
        return assemble(drafted.text, drafted.verdicts)
    try:
        claims = await embedder.embed_queries(drafted.claims)
        quotes = await embedder.embed_passages(drafted.quotes)
    except UpstreamFailed:  # an answer that is there is not thrown away
        return assemble(drafted.text, drafted.verdicts)
    return finish(drafted, claims @ quotes.T, embedder.model)


async def _extract(turn: Turn, sources: Sequence[Source]) -> Written:
    """The answer without a chat model: the documents' own words, or none."""
    with turn.trace.timed("extract"):
        proven = await asyncio.to_thread(  # tens of milliseconds of CPU
            extract,
            turn.question,
            sources,
            history=turn.asked_before,
        )
    if proven is None:
        proven = attribute(ABSTENTION, [])
    return Written(proven, EXTRACTIVE, "stop")
