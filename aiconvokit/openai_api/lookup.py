"""A caller's objects by their public ids, or the 404 that OpenAI's clients know.

The ids of other people's objects are unknown ones.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants import access
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.tables import Thread
from aiconvokit.errors import NotFound
from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api import queries
from aiconvokit.openai_api.queries import Owned
from aiconvokit.services import Services
from ingestion.tables import Collection


def unknown(kind: str, public_id: str) -> NotFound:
    """The error about an id that stands for nothing of the caller's."""
    return NotFound(f"No {kind} found with id '{public_id}'.")


async def assistant_to_ask(
    services: Services, session: AsyncSession, user_id: int, openai_id: str
) -> Assistant:
    """An assistant that the user may ask.

    Raises:
        NotFound: there is none with that id for them.
    """
    shared = services.settings.shared_assistants
    found = await queries.assistant_by_id(session, user_id, openai_id, shared=shared)
    if found is None:
        raise unknown("assistant", openai_id)
    return found


async def assistant_to_change(
    services: Services, session: AsyncSession, user_id: int, openai_id: str
) -> Assistant:
    """An assistant that the user owns.

    Raises:
        NotFound: there is none with that id for them.
        Forbidden: visible on a server that shares assistants, but somebody else's.
    """
    found = await assistant_to_ask(services, session, user_id, openai_id)
    access.ensure_owned(found, user_id)
    return found


async def thread(session: AsyncSession, user_id: int, public_id: str) -> Thread:
    """A user's own thread.

    Raises:
        NotFound: there is none with that id for them.
    """
    found = await queries.thread_by_id(session, user_id, public_id)
    if found is None:
        raise unknown("thread", public_id)
    return found


async def collections(
    session: AsyncSession, user_id: int, public_ids: Sequence[str]
) -> list[Collection]:
    """A user's own collections, in the order of the ids.

    Raises:
        NotFound: one of them is none.
    """
    return await _own(session, Collection, user_id, public_ids, "vector store")


async def files(session: AsyncSession, user_id: int, public_ids: Sequence[str]) -> list[StoredFile]:
    """A user's own files, in the order of the ids.

    Raises:
        NotFound: one of them is none.
    """
    return await _own(session, StoredFile, user_id, public_ids, "file")


async def _own(
    session: AsyncSession, table: type[Owned], user_id: int, public_ids: Sequence[str], kind: str
) -> list[Owned]:
    wanted = list(dict.fromkeys(public_ids))
    found = await queries.own_by_id(session, table, user_id, wanted)
    for public_id in wanted:
        if public_id not in found:
            raise unknown(kind, public_id)
    return [found[one] for one in wanted]
