"""The passages of a turn: the question as the search wants it, and what it found."""

from aiconvokit.chat.follow_up import stands_alone
from aiconvokit.chat.proof import Source
from aiconvokit.chat.rewrite import rewrite
from aiconvokit.chat.turn_state import Turn
from aiconvokit.retrieval.glossary import entries_of
from aiconvokit.retrieval.relevance import anything_relevant
from aiconvokit.retrieval.search import Question, Scope, search
from aiconvokit.services import Services
from ingestion.store import is_reading


async def find_sources(services: Services, turn: Turn) -> list[Source] | None:
    """The passages for the question with the whole pages they stand on.

    Returns:
        none when nothing found is near enough to the question; None: not yet readable.
    """
    trace = turn.trace
    trace.rewritten = await _rewritten(services, turn)
    with trace.timed("search"):
        found = await search(
            services,
            turn.collections,
            question_of(turn),
            turn.bounds.passages or services.settings.limits.prompt_passages,
            Scope(turn.where, entries_of(turn.persona.glossary)),
            timed=trace.timed,
        )
        trace.found, trace.space = found.passages, found.space
    if not trace.found and await _is_reading(services, turn):
        return None
    near = trace.found if anything_relevant(found) else []
    good = [passage for passage in near if passage.score >= turn.bounds.score]
    return [
        Source(index, passage, passage.page_text) for index, passage in enumerate(good, start=1)
    ]


async def _is_reading(services: Services, turn: Turn) -> bool:
    async with services.sessions() as session:
        return await is_reading(session, [one.id for one in turn.collections])


async def _rewritten(services: Services, turn: Turn) -> str | None:
    """A follow-up that needs the conversation, put so that it does not; None: as it was asked."""
    model = services.chat_model
    if services.settings.query_rewrite == "off" or model is None:
        return None
    if not turn.history or stands_alone(turn.question):
        return None
    with turn.trace.timed("rewrite"):
        return await rewrite(model, turn.question, turn.history)


def question_of(turn: Turn) -> Question:
    """What is searched: the question, or the rewritten one with the asked one as a turn before."""
    rewritten = turn.trace.rewritten
    last = turn.history[-1] if turn.history else None
    # After an answer that failed or was redacted, the last message is the user's.
    answer = last if last and last.role == "assistant" else None
    return Question(
        text=rewritten or turn.question,
        earlier=[*turn.asked_before, *([turn.question] if rewritten else [])],
        last_answer=answer.content if answer else "",
        cited=answer.cited if answer else (),
    )
