"""A loaded set's questions, answered by the real turn: proof and abstention."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from aiconvokit.chat import queries as chat_queries
from aiconvokit.chat.answer import run_turn
from aiconvokit.chat.turn import Asked, Done
from aiconvokit.evals import queries
from aiconvokit.evals.ask import sample
from aiconvokit.evals.gold import Target, targets
from aiconvokit.evals.load import Desk, LoadedSet
from aiconvokit.evals.queries import PageTexts
from aiconvokit.evals.sets import SetQuestion
from aiconvokit.services import Services
from ingestion.store import driver_connection

NO_CLAIM = "not_a_claim"
"""What a sentence about the documents, and not about their subject, is marked with."""


class Answered(Struct):
    """What became of one question.

    `on_gold` counts citations whose quote is on what the gold names; None where it names nothing.
    `exact` counts those with `page_text[start:end] == quote`.
    """

    answerable: bool | None
    abstained: bool
    claims: int
    supported: int
    citations: int
    on_gold: int | None
    exact: int
    output: str


@dataclass(frozen=True, slots=True)
class _Place:
    services: Services
    loaded: LoadedSet
    texts: PageTexts


async def answer(
    services: Services, loaded: LoadedSet, *, limit: int | None = None
) -> dict[str, Answered]:
    """Answer questions, each in a chat of its own that is removed after it; by question id."""
    ids = [one.id for desk in loaded.desks.values() for one in desk.collections]
    async with services.sessions.begin() as session:
        texts = await queries.page_texts(session, ids)
    place = _Place(services, loaded, texts)
    absent = {one.id for one in loaded.unanswerable}
    asked = [
        (one, targets(loaded.set.level, one, texts))
        for one in loaded.questions
        if one.answerable is not False or one.id in absent
    ]
    return {one.id: await _answer(place, one, wanted) for one, wanted in sample(asked, limit)}


def answer_figures(answered: Sequence[Answered]) -> dict[str, float | int | None]:
    """Shares (0..1) and counts over some answers; a share of nothing is None."""
    known = [one for one in answered if one.answerable]
    absent = [one for one in answered if one.answerable is False]
    judged = [one for one in answered if one.on_gold is not None]
    return {
        "answerable": len(known),
        "answered when answerable": _share(len(known), known, lambda one: not one.abstained),
        "unanswerable": len(absent),
        "abstained when unanswerable": _share(len(absent), absent, lambda one: one.abstained),
        "claims": _total(answered, lambda one: one.claims),
        "claims supported": _share(
            _total(answered, lambda one: one.claims), answered, lambda one: one.supported
        ),
        "citations": _total(answered, lambda one: one.citations),
        "citations on gold": _share(
            _total(judged, lambda one: one.citations), judged, lambda one: one.on_gold or 0
        ),
        "quotes exact": _share(
            _total(answered, lambda one: one.citations), answered, lambda one: one.exact
        ),
    }


def _total(answered: Sequence[Answered], count: Callable[[Answered], int]) -> int:
    return sum(count(one) for one in answered)


def _share(
    whole: int, answered: Sequence[Answered], count: Callable[[Answered], int]
) -> float | None:
    return _total(answered, count) / whole if whole else None


async def _answer(place: _Place, question: SetQuestion, wanted: Sequence[Target]) -> Answered:
    services, desk = place.services, place.loaded.desk(question)
    chat = await _chat(services, desk, question)
    try:
        done = None
        asked = Asked(desk.owner_id, chat.id, desk.assistant_id, place.loaded.text(question))
        async for event in run_turn(services, asked):
            done = event if isinstance(event, Done) else done
    finally:
        await asyncio.shield(_remove(services, chat.thread_id))
    if done is None:
        raise RuntimeError(question.id)
    return _judged(place, question, wanted, done)


async def _chat(services: Services, desk: Desk, question: SetQuestion) -> chat_queries.BegunChat:
    """A chat in which the question's history was said."""
    async with services.sessions.begin() as session:
        transaction = await driver_connection(session)
        chat = await chat_queries.insert_chat(transaction, desk.owner_id, desk.assistant_id)
        for one in question.history:
            await chat_queries.insert_message(session, chat.thread_id, one.role, one.content)
    return chat


async def _remove(services: Services, thread_id: int) -> None:
    async with services.sessions.begin() as session:
        await chat_queries.delete_thread(session, thread_id)


def _judged(place: _Place, question: SetQuestion, wanted: Sequence[Target], done: Done) -> Answered:
    claims = [one for one in done.claims if one["reason"] != NO_CLAIM]
    on_gold = exact = 0
    for one in done.citations:
        name, page = one.passage.filename, one.passage.page
        document = place.loaded.document(name)
        on_gold += any(target.is_touched(document, page, one.start, one.end) for target in wanted)
        exact += place.texts[name][page][one.start : one.end] == one.quote
    return Answered(
        answerable=question.answerable,
        abstained=not claims,
        claims=len(claims),
        supported=sum(1 for one in claims if one["supported"]),
        citations=len(done.citations),
        on_gold=on_gold if wanted else None,
        exact=exact,
        output=done.output,
    )
