"""A turn: from a question to a proven answer. Every surface consumes `run_turn`.

begin (tx: lease, messages) -> search (embed, SQL) -> prompt -> model (no connection held)
-> citations -> record (tx: answer, lease) -> done
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID, uuid4

from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat import prompt, queries
from aiconvokit.chat.attribution import ABSTENTION, attribute
from aiconvokit.chat.extractive import extract
from aiconvokit.chat.lease import POLL_SECONDS, WAIT_SECONDS, renewed
from aiconvokit.chat.prompt import Turn
from aiconvokit.chat.proof import Attributed, Citation, Source
from aiconvokit.errors import AIConvoKitError, ChatBusy
from aiconvokit.llm.chat_model import ChatMessage, ChatModel, Completed, Usage
from aiconvokit.retrieval.queries import page_texts
from aiconvokit.retrieval.search import Question, search
from aiconvokit.retrieval.types import Passage
from aiconvokit.services import Services
from ingestion.store import is_reading
from ingestion.tables import Collection

HISTORY_MESSAGES = 40
"""Read at most; what the model is sent is bounded by tokens."""

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


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is stored."""

    message_id: str
    output: str
    citations: tuple[Citation, ...]
    claims: Sequence[dict[str, Any]]
    model: str
    usage: dict[str, int] | None
    finish_reason: str | None


Event = Started | TextDelta | Done


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the first transaction settled."""

    chat_id: int
    thread_id: int
    lease: UUID
    question: str
    assistant: Assistant
    collections: Sequence[Collection]
    history: Sequence[Turn]
    message_row: int
    message_id: str


@dataclass(frozen=True, slots=True)
class _Written:
    """What the model, or its stand-in, came to."""

    proven: Attributed
    model: str
    finish_reason: str | None
    usage: Usage | None = None


async def run_turn(
    services: Services, chat: queries.ChatRow, question: str
) -> AsyncGenerator[Event, None]:
    """Answer a question in a chat; the answer is stored before `Done` is yielded.

    Raises:
        ChatBusy: another turn of this chat is in work.
        UpstreamFailed: a model or embedder failed; the question is kept, the answer `failed`.
    """
    turn = await _begin(services, chat, question)
    try:
        async with renewed(services, turn.thread_id, turn.lease):
            sources = await _find(services, turn)
            yield Started(turn.chat_id, turn.message_id, len(sources or ()))
            written = await _write(services, turn, sources)
        done = await _record(services, turn, written)
    except AIConvoKitError as error:
        await _abandon(services, turn, "failed", error.code)
        raise
    except BaseException:  # cancelled, closed, or our own fault: the thread must not stay taken
        await asyncio.shield(_abandon(services, turn, "interrupted", None))
        raise
    yield TextDelta(done.output)
    yield done


async def _begin(services: Services, chat: queries.ChatRow, question: str) -> _Turn:
    """Take the lease, store the question and an unfinished answer, read what the turn needs."""
    row, thread = chat
    lease, waited = uuid4(), 0.0
    while True:
        async with services.sessions.begin() as session:
            seconds = services.settings.limits.lease_seconds
            if await queries.take_lease(session, thread.id, lease, seconds):
                await queries.interrupt_unfinished(session, thread.id)
                history = await queries.newest_messages(session, thread.id, HISTORY_MESSAGES)
                await queries.insert_message(session, thread.id, "user", question, "complete")
                answer = await queries.insert_message(
                    session, thread.id, "assistant", "", "in_progress"
                )
                assistant = await session.get_one(Assistant, row.assistant_id)
                return _Turn(
                    chat_id=row.id,
                    thread_id=thread.id,
                    lease=lease,
                    question=question,
                    assistant=assistant,
                    collections=await assistant_queries.collections_of(session, assistant.id),
                    history=[
                        Turn(cast("Literal['user', 'assistant']", one.role), one.content)
                        for one in history
                    ],
                    message_row=answer.id,
                    message_id=answer.public_id,
                )
        if waited >= WAIT_SECONDS:
            raise ChatBusy
        await asyncio.sleep(POLL_SECONDS)
        waited += POLL_SECONDS


async def _find(services: Services, turn: _Turn) -> list[Source] | None:
    """The passages for the question with the whole pages they stand on; None: not yet readable."""
    asked = Question(turn.question, _user_turns(turn))
    limits = services.settings.limits
    found = await search(services, turn.collections, asked, limits.prompt_passages)
    async with services.sessions.begin() as session:
        pages = await page_texts(session, found)
        if not found and await is_reading(session, [one.id for one in turn.collections]):
            return None
    sources = [
        Source(index, passage, pages[_place(passage)])
        for index, passage in enumerate(found, start=1)
        if _place(passage) in pages  # deleted since the search
    ]
    return prompt.fitting_sources(sources, limits.passage_tokens)


def _place(passage: Passage) -> tuple[int, int, int]:
    return passage.document_id, passage.version, passage.page


def _user_turns(turn: _Turn) -> list[str]:
    return [one.content for one in turn.history if one.role == "user"]


async def _write(services: Services, turn: _Turn, sources: Sequence[Source] | None) -> _Written:
    if sources is None:
        return _Written(attribute(STILL_READING, []), EXTRACTIVE, "stop")
    if services.chat_model is None:
        return await _extract(services, turn, sources)
    messages = prompt.build(
        instructions=turn.assistant.instructions,
        company_name=turn.assistant.company_name,
        history=prompt.fitting_history(turn.history, services.settings.limits.history_tokens),
        question=turn.question,
        sources=sources,
    )
    completed = await _ask(services.chat_model, messages)
    proven = await asyncio.to_thread(attribute, completed.text, sources)
    return _Written(proven, completed.model, completed.finish_reason, completed.usage)


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


async def _extract(services: Services, turn: _Turn, sources: Sequence[Source]) -> _Written:
    """The answer without a chat model: the documents' own words, or none."""
    proven = await asyncio.to_thread(  # tens of milliseconds of CPU
        extract,
        turn.question,
        sources,
        history=_user_turns(turn),
        model=services.embedder.model,
    )
    if proven is None:
        proven = attribute(ABSTENTION, [])
    return _Written(proven, EXTRACTIVE, "stop")


async def _record(services: Services, turn: _Turn, written: _Written) -> Done:
    """Store the answer and give the lease back, both or neither."""
    proven = written.proven
    usage = (
        {
            "prompt_tokens": written.usage.prompt_tokens,
            "completion_tokens": written.usage.completion_tokens,
        }
        if written.usage
        else None
    )
    done = Done(
        message_id=turn.message_id,
        output=proven.output,
        citations=proven.citations,
        claims=[
            {
                "start": claim.start,
                "end": claim.end,
                "supported": claim.supported,
                "reason": claim.reason,
                "citations": list(claim.citations),
            }
            for claim in proven.claims
        ],
        model=written.model,
        usage=usage,
        finish_reason=written.finish_reason,
    )
    async with services.sessions.begin() as session:
        if not await queries.release_lease(session, turn.thread_id, turn.lease):
            raise ChatBusy
        await queries.finish_message(
            session,
            turn.message_row,
            {
                "status": "complete",
                "content": done.output,
                "model": done.model,
                "finish_reason": done.finish_reason,
                "usage": done.usage,
                "citations": [stored_citation(one) for one in done.citations],
                "claims": list(done.claims),
            },
        )
        await assistant_queries.count_answer(session, turn.assistant.id)
    return done


def stored_citation(citation: Citation) -> dict[str, Any]:
    """A citation as it is kept with its answer; addresses are made when it is shown."""
    passage = citation.passage
    return {
        "index": citation.index,
        "document_id": passage.document_id,
        "version": passage.version,
        "filename": passage.filename,
        "page": passage.page,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }


async def _abandon(services: Services, turn: _Turn, status: str, code: str | None) -> None:
    """The answer did not come to be; the question stays, and the thread is free again."""
    async with services.sessions.begin() as session:
        if await queries.release_lease(session, turn.thread_id, turn.lease):
            values = {"status": status, "error_code": code}
            await queries.finish_message(session, turn.message_row, values)
