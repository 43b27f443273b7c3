"""`Idempotency-Key` on `/v1`: what a request made is not made again by the same one.

Kept are the ids of what was made, not what was told of it: it is shown again as it is now, and no
words outlive their deletion.
"""

from typing import TypeVar

import msgspec
from litestar import Response
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.accounts.idempotency import REPLAYED, Attempt, Once
from aiconvokit.db import Transaction
from aiconvokit.openai_api import bodies
from aiconvokit.rest.body import ApiRequest
from aiconvokit.services import Services
from ingestion.store import driver_connection

ERRORS = (409, 422)
"""What a request with a key may get besides: the first one is in work, or was another one."""


class Made(Struct):
    """The public ids of what a request made."""

    id: str
    thread_id: str | None = None


T = TypeVar("T", bound=Struct)
Shown = TypeVar("Shown", bound=Struct)


async def read(
    request: ApiRequest, services: Services, once: Once, wanted: type[T]
) -> tuple[T, Attempt]:
    """Read a JSON body as `bodies.read` does, and begin a try; what follows must be its block.

    Raises:
        BadRequest, TooLarge, UnsupportedMediaType, InvalidFields: as `bodies.read` has it.
        KeyInUse, KeyReused: the key came with a request that is in work, or was another one.
    """
    body = await bodies.read_json(request, services)
    return bodies.convert(body.values, wanted), await once.take(body)


def made(attempt: Attempt) -> Made | None:
    """What the first request with the key made; None: this is the first."""
    if attempt.stored is None:
        return None
    return msgspec.json.decode(attempt.stored.body, type=Made)


async def keep(attempt: Attempt, session: AsyncSession, what: Made) -> None:
    """Keep what was made, in the session's transaction.

    Raises:
        KeyInUse: this took so long that another try began; the transaction must not commit.
    """
    if attempt.has_key:
        await keep_in(await driver_connection(session), attempt, what)


async def keep_in(transaction: Transaction, attempt: Attempt, what: Made) -> None:
    """`keep` in a transaction without a session."""
    await attempt.keep(transaction, what, assistant_id=None)


def headers(attempt: Attempt) -> dict[str, str]:
    """What an answer's head says of it."""
    return REPLAYED if attempt.stored is not None else {}


def answer(attempt: Attempt, shown: Shown) -> Response[Shown]:
    """The answer to a first request, or to one that was sent again."""
    return Response(shown, headers=headers(attempt))
