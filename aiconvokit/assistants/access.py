"""Which assistants a user may ask, and which ones change."""

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants import queries
from aiconvokit.assistants.queries import Purpose, Searched
from aiconvokit.assistants.tables import Assistant
from aiconvokit.db import Transaction
from aiconvokit.errors import Forbidden, NotFound
from aiconvokit.rest.lists import MAX_ID
from aiconvokit.services import Services


async def to_ask(
    services: Services, session: AsyncSession, user_id: int, assistant_id: int
) -> Assistant:
    """An assistant that the user may read and ask.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    shared = services.settings.shared_assistants
    known = 0 <= assistant_id <= MAX_ID
    found = (
        await queries.visible_assistant(session, user_id, assistant_id, shared=shared)
        if known
        else None
    )
    if found is None:
        raise NotFound.of("Assistant")
    return found


async def hold_to_ask(
    services: Services, transaction: Transaction, user_id: int, assistant_id: int
) -> None:
    """Keep an assistant that the user may ask from being deleted until the transaction ends.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    shared = services.settings.shared_assistants
    known = 0 <= assistant_id <= MAX_ID
    if not known or not await queries.hold_to_ask(
        transaction, user_id, assistant_id, shared=shared
    ):
        raise NotFound.of("Assistant")


async def to_search(services: Services, user_id: int, assistant_id: int) -> Searched:
    """What a search needs of an assistant that the user may ask.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    found = None
    if 0 <= assistant_id <= MAX_ID:
        shared = services.settings.shared_assistants
        async with services.pool.lend() as transaction:
            found = await queries.searched_assistant(
                transaction, user_id, assistant_id, shared=shared
            )
    if found is None:
        raise NotFound.of("Assistant")
    return found


async def to_change(
    services: Services, session: AsyncSession, user_id: int, assistant_id: int
) -> Assistant:
    """An assistant that the user owns.

    Raises:
        NotFound: unknown, or not visible.
        Forbidden: visible on a server that shares assistants, but somebody else's.
    """
    found = await to_ask(services, session, user_id, assistant_id)
    ensure_owned(found, user_id)
    return found


def ensure_owned(assistant: Assistant, user_id: int) -> None:
    """Raise Forbidden where an assistant that the user may ask is somebody else's."""
    if assistant.owner_id != user_id:
        raise Forbidden("Only the owner of an assistant can change it.")


async def hold(session: AsyncSession, assistant_id: int, purpose: Purpose) -> None:
    """Keep an assistant that was found as it is until the transaction ends.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    if not await queries.hold_assistant(session, assistant_id, purpose):
        raise NotFound.of("Assistant")
