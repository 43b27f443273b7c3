"""What visitors may spend on a day: counted in the database before a model is asked.

A message is counted first, with what its answer may cost at most as a rule; afterwards the tokens
are put right. So answers that are being written count already, and those of a process that died
stay counted.
"""

import asyncio
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.follow_up import stands_alone
from aiconvokit.chat.prompt import ANSWER_TOKENS, MESSAGE_OVERHEAD
from aiconvokit.services import Services
from aiconvokit.web.widget import queries, visitor_queries
from aiconvokit.web.widget.problems import BudgetSpent
from aiconvokit.web.widget.queries import ALL
from aiconvokit.web.widget.tables import Widget
from aiconvokit.web.widget.visitor_queries import Bounds
from ingestion.tokens import count_tokens

REWRITE_TOKENS = 1_200
"""A question rewritten for the search: three turns of a thousand characters and a line of answer.
Its own usage is not kept."""
CHARACTERS_PER_TOKEN = 3
"""Of European languages it is 4 or 5; counting them would take longer than it is worth here."""


@dataclass(frozen=True, slots=True)
class Spending:
    """A message that was counted: whose, on which day (UTC), with how many tokens set aside."""

    widget_id: int
    visitor: str
    day: date
    tokens: int
    rewriting: int = 0
    """Of them, what may have been spent when it did not come to asking a model for an answer."""


def set_aside(services: Services, characters: int) -> int:
    """Tokens that a turn costs as a rule at most; an answer without a model costs none.

    Args:
        services: the limits of a prompt, and whether there is a model.
        characters: of what else stands in the prompt: instructions and question.
    """
    if services.chat_model is None:
        return 0
    limits = services.settings.limits
    bounded = limits.history_tokens + limits.passage_tokens + ANSWER_TOKENS
    return bounded + characters // CHARACTERS_PER_TOKEN


def rewriting(services: Services, question: str, *, is_first: bool) -> int:
    """Tokens that may be spent before a turn begins to answer: a follow-up is rewritten first.

    Args:
        services: whether there is a model, and whether it rewrites.
        question: what is asked.
        is_first: there is no conversation before it.
    """
    is_off = services.chat_model is None or services.settings.query_rewrite == "off"
    return 0 if is_off or is_first or stands_alone(question) else REWRITE_TOKENS


async def take(session: AsyncSession, widget: Widget, visitor: str, tokens: int) -> Spending:
    """Count a message in the caller's transaction, as the visitor's and as everybody's.

    Raises:
        BudgetSpent: nothing is left of either; the caller's transaction must not be committed.
    """
    own = Bounds(widget.visitor_messages_per_day, widget.visitor_tokens_per_day)
    if await visitor_queries.spend(session, widget.id, visitor, tokens, own) is None:
        raise BudgetSpent
    everybodys = Bounds(widget.messages_per_day, widget.tokens_per_day)
    day = await visitor_queries.spend(session, widget.id, ALL, tokens, everybodys)
    if day is None:
        raise BudgetSpent
    return Spending(widget.id, visitor, day, tokens)


async def settle(services: Services, spending: Spending, message_id: str | None) -> None:
    """Count what an answer really cost, also one that was interrupted.

    Args:
        services: the database.
        spending: what was counted before.
        message_id: the answer; None when it did not come to asking a model for it.
    """
    spent = spending.rewriting
    if message_id is not None:
        spent = await _spent(services, message_id, spending.tokens)
    await _correct(services, spending, messages=0, tokens=spent - spending.tokens)


async def give_back(services: Services, spending: Spending) -> None:
    """Uncount a message that was not taken: nothing was stored, and no model asked."""
    await _correct(services, spending, messages=-1, tokens=-spending.tokens)


async def _correct(services: Services, spending: Spending, *, messages: int, tokens: int) -> None:
    if not messages and not tokens:
        return
    async with services.sessions.begin() as session:
        # Before what was spent, as a deletion and `take` do: else they wait in a circle.
        if await queries.hold_widget(session, spending.widget_id, "use") is None:
            return
        for visitor in (spending.visitor, ALL):  # in the order of `spend`
            row = {"widget": spending.widget_id, "day": spending.day, "visitor": visitor}
            await visitor_queries.correct(session, row, messages=messages, tokens=tokens)


async def _spent(services: Services, message_id: str, otherwise: int) -> int:
    """Tokens of a stored answer: as its model's server counted them, else as we do.

    Args:
        services: the database.
        message_id: the answer.
        otherwise: for an answer of which nothing is known: its chat was deleted, or its receipt
            lost the words.
    """
    async with services.sessions() as session:
        row = await visitor_queries.with_receipt(session, message_id)
    message, receipt = row or (None, None)
    if message is None or receipt is None:
        return otherwise
    rewriting = REWRITE_TOKENS if "rewrite" in (message.milliseconds or {}) else 0
    if message.usage:
        counted: dict[str, int] = message.usage
        return rewriting + sum(counted.values())
    if receipt.content["redacted"]:
        return otherwise
    prompt = [str(one["content"]) for one in receipt.content["messages"]]
    # Without a prompt no model was asked, and the answer's words are the documents'.
    texts = [*prompt, message.content] if prompt else []
    return rewriting + await asyncio.to_thread(_estimate, texts)


def _estimate(texts: list[str]) -> int:
    """As we count: milliseconds of CPU, a third of a second when it is the process's first."""
    return sum(count_tokens(one) + MESSAGE_OVERHEAD for one in texts)
