"""A turn: from a question to a proven answer. Every surface consumes `run_turn`.

begin (tx: lease, messages) -> search (embed, SQL) -> prompt -> model (no connection held)
-> citations -> record (tx: answer, lease) -> done
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiconvokit.chat import prompt, queries
from aiconvokit.chat.attribution import ABSTENTION, attribute
from aiconvokit.chat.extractive import extract
from aiconvokit.chat.lease import renewed
from aiconvokit.chat.proof import Source
from aiconvokit.chat.turn import Done, Turn, Written, abandon, begin, record
from aiconvokit.errors import AIConvoKitError
from aiconvokit.llm.chat_model import ChatMessage, ChatModel, Completed
from aiconvokit.retrieval.queries import page_texts
from aiconvokit.retrieval.search import Question, search
from aiconvokit.retrieval.types import Passage
from aiconvokit.services import Services
from ingestion.store import is_reading

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
            sources = await _find(services, turn)
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


async def _find(services: Services, turn: Turn) -> list[Source] | None:
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


def _user_turns(turn: Turn) -> list[str]:
    return [one.content for one in turn.history if one.role == "user"]


async def _write(services: Services, turn: Turn, sources: Sequence[Source] | None) -> Written:
    if sources is None:
        return Written(attribute(STILL_READING, []), EXTRACTIVE, "stop")
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
    return Written(proven, completed.model, completed.finish_reason, completed.usage)


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


async def _extract(services: Services, turn: Turn, sources: Sequence[Source]) -> Written:
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
    return Written(proven, EXTRACTIVE, "stop")
