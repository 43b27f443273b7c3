"""Vector stores that assistants and threads name, and those that are made for them."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.tables import Thread
from aiconvokit.files import attachment_queries
from aiconvokit.files.attaching import Attachment, attach
from aiconvokit.files.expiry import is_expired
from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.assistants import queries as assistants_queries
from aiconvokit.openai_api.bodies import unset_or
from aiconvokit.openai_api.threads import queries as threads_queries
from aiconvokit.openai_api.tool_resources import Searched
from aiconvokit.openai_api.vector_stores.schemas import ExpiresAfter, NewVectorStore
from aiconvokit.openai_api.vector_stores.work import make
from aiconvokit.services import Services
from ingestion.tables import Collection

WEEK = ExpiresAfter(7, "last_active_at")
"""When a vector store expires that was made for a thread: as OpenAI's did."""


async def named(
    services: Services,
    session: AsyncSession,
    user_id: int,
    wanted: Searched,
    *,
    expires_after: ExpiresAfter | None = None,
) -> list[Collection]:
    """The vector stores that a body names, held until the caller's transaction ends.

    Args:
        services: for the files of those that are made.
        session: the caller's.
        user_id: whose they must be.
        wanted: what the body says.
        expires_after: when those that are made expire; None: never.

    Raises:
        NotFound: one of them, or one of the files, is none of the user's.
        InvalidFields: a chunking strategy cannot be.
    """
    found = await lookup.collections(session, user_id, unset_or(wanted.vector_store_ids, []))
    for one in sorted(found, key=lambda one: one.id):  # files may follow: see `hold_names`
        await attachment_queries.hold_names(session, one.id)
    held = await assistants_queries.hold_collections(session, [one.id for one in found])
    for one in found:
        if one.id not in held:
            raise lookup.unknown("vector store", one.public_id)
    for new in unset_or(wanted.vector_stores, []):
        made = NewVectorStore(
            file_ids=new.file_ids,
            chunking_strategy=new.chunking_strategy,
            expires_after=expires_after,
            metadata=new.metadata,
        )
        found.append(await make(services, session, user_id, made))
    return found


async def put_files(
    services: Services, session: AsyncSession, thread: Thread, files: Sequence[StoredFile]
) -> None:
    """Put files into the vector store of a thread; it is made where the thread has none.

    One that has expired stays as it is, and a new one takes its place.

    All in the caller's transaction, which holds the thread until it ends.

    Raises:
        NotFound: the thread was deleted meanwhile.
    """
    if not files:
        return
    held = await threads_queries.hold(session, thread.id)
    if held is None:
        raise lookup.unknown("thread", thread.public_id)
    collection_id = held.thread.collection_id
    known = await session.get(Collection, collection_id) if collection_id is not None else None
    if collection_id is None or known is None or is_expired(known):
        new = NewVectorStore(expires_after=WEEK)
        collection_id = (await make(services, session, thread.owner_id, new)).id
        await threads_queries.change(session, thread.id, {"collection_id": collection_id})
    await attach(services, session, collection_id, [Attachment(one) for one in files])
