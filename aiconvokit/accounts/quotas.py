"""Quotas: how much one user may have, and spend on a day. None is set by default.

What is there is counted in the transaction that adds to it, after it did, and one such transaction
of a user at a time: two uploads at once do not come to more than is allowed. Tokens are counted
when an answer is stored, so the answers in work when the quota is reached are still written.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts import quota_queries
from aiconvokit.config import Limits
from aiconvokit.errors import Forbidden, Throttled
from aiconvokit.services import Services

CODE = "quota_exceeded"


class QuotaExceeded(Forbidden):
    """A user has as much of a kind as they may."""

    code = CODE


class TokensSpent(Throttled):
    """A user's tokens of the day are used up."""

    code = CODE
    is_addition = True

    def __init__(self, used: int, allowed: int, seconds_left: float) -> None:
        super().__init__(seconds_left)
        self.detail = f"{used} of {allowed} tokens of this day are used. It goes on tomorrow (UTC)."


@asynccontextmanager
async def kept(services: Services, session: AsyncSession, owner_id: int) -> AsyncIterator[None]:
    """Around what adds to a user's assistants, documents or files, in the caller's transaction.

    Raises:
        QuotaExceeded: that came to more than is allowed; the transaction must not commit.
    """
    allowed = _allowed(services.settings.limits)
    if not allowed:
        yield
        return
    before = asdict(await quota_queries.holdings(session, owner_id))
    yield
    await quota_queries.hold(session, owner_id)
    after = asdict(await quota_queries.holdings(session, owner_id))
    for kind, most in allowed.items():
        if after[kind] > max(most, before[kind]):  # who has too much already may replace it
            raise _exceeded(kind, before[kind], most)


async def check_pages(services: Services, session: AsyncSession, owner_id: int) -> None:
    """Before documents are added: how many pages they have is known when they were read.

    Raises:
        QuotaExceeded: the user's documents have as many as are allowed already.
    """
    most = services.settings.limits.quota_pages
    if most is None:
        return
    used = (await quota_queries.holdings(session, owner_id)).pages
    if used >= most:
        raise _exceeded("pages", used, most)


async def check_tokens(services: Services, owner_id: int) -> None:
    """Before a model is asked for a user.

    Raises:
        TokensSpent: today's tokens are used up.
    """
    most = services.settings.limits.quota_tokens_per_day
    if most is None:
        return
    async with services.pool.lend() as transaction:
        used, seconds_left = await quota_queries.spent_today(transaction, owner_id)
    if used >= most:
        raise TokensSpent(used, most, seconds_left)


def _allowed(limits: Limits) -> dict[str, int]:
    """Of what kinds a user may have how many."""
    quotas = {
        "assistants": limits.quota_assistants,
        "documents": limits.quota_documents,
        "bytes": limits.quota_bytes,
    }
    return {kind: most for kind, most in quotas.items() if most is not None}


def _exceeded(kind: str, used: int, most: int) -> QuotaExceeded:
    match kind:
        case "assistants":
            return QuotaExceeded(f"This account has {used} assistants; {most} are allowed.")
        case "documents":
            return QuotaExceeded(f"This account has {used} documents; {most} are allowed.")
        case "pages":
            return QuotaExceeded(f"This account's documents have {used} pages; {most} are allowed.")
        case _:
            return QuotaExceeded(f"This account's files have {used} bytes; {most} are allowed.")
