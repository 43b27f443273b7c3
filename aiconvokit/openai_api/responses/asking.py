"""What a response is asked for with, looked up: who answers, from what, and what was said before.

Nothing is stored here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.chat.answer import ensure_offerable
from aiconvokit.errors import BadRequest, InvalidFields, NotFound
from aiconvokit.files import expiry_queries
from aiconvokit.openai_api import lookup
from aiconvokit.openai_api.models import names as models
from aiconvokit.openai_api.models.names import UnknownModel
from aiconvokit.openai_api.responses import items as response_items
from aiconvokit.openai_api.responses import queries, tools
from aiconvokit.openai_api.responses.body import NewResponse, check
from aiconvokit.openai_api.responses.items import Item, Reference, stored_item
from aiconvokit.openai_api.responses.queries import Place, ResponseRow
from aiconvokit.openai_api.responses.show import ACTIVE, conversation_id, standing
from aiconvokit.openai_api.responses.tools import Wanted
from aiconvokit.openai_api.vector_stores.work import check_alive
from aiconvokit.retrieval.types import Searchable
from aiconvokit.services import Services

MOST_BEFORE = 100
"""Responses that one goes on from, the newest: a model is sent 40 messages at most."""


class PreviousNotFound(BadRequest):
    """There is no such response to go on from; programs look for the code."""

    code = "previous_response_not_found"
    param: str | None = "previous_response_id"

    def __init__(self, response_id: str) -> None:
        super().__init__(f"Previous response with id '{response_id}' not found.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was read.

    `assistant_id` is a row; None: nobody's instructions and documents. `stores` are read besides.
    `before` are the responses that this one goes on from, oldest first; `conversation` is where it
    is said.
    """

    services: Services
    user_id: int
    body: NewResponse
    tools: Wanted
    items: Sequence[Item]
    assistant_id: int | None
    stores: Sequence[Searchable]
    before: Sequence[str]
    conversation: Place | None


async def prepare(services: Services, user_id: int, body: NewResponse) -> Asked:
    """Look up all that a request names.

    Raises:
        InvalidFields: it cannot be answered as it is wanted.
        BadRequest: a vector store has expired, or there is no response to go on from.
        UpstreamFailed: functions are offered that no model can call.
        NotFound: a vector store, the conversation or an item is unknown.
        UnknownModel: so is the model.
    """
    check(body)
    wanted = tools.read(
        body.tools or [], body.tool_choice, parallel=body.parallel_tool_calls is not False
    )
    given = response_items.read(body.input, "input") if body.input is not None else []
    assistant_id = await _who(services, user_id, body.model, wanted)
    if wanted.offered is not None:
        ensure_offerable(services)
    async with services.sessions.begin() as session:
        stores = await lookup.collections(session, user_id, wanted.store_ids)
        for one in stores:
            check_alive(one)
            await expiry_queries.touch(session, one.id)
        return Asked(
            services=services,
            user_id=user_id,
            body=body,
            tools=wanted,
            items=await found_items(session, user_id, given),
            assistant_id=assistant_id,
            stores=stores,
            before=await _before(session, user_id, body.previous_response_id),
            conversation=await _conversation(session, user_id, body.conversation_id),
        )


async def _who(services: Services, user_id: int, model: str, wanted: Wanted) -> int | None:
    """The assistant that is asked; None: whatever model there is, also under any other name.

    Such a name will do where documents are named: programs bring the one of their old model along.
    """
    has_stores = wanted.search is not None and bool(wanted.search.vector_store_ids)
    try:
        found = await models.resolve(services, user_id, model)
    except UnknownModel:
        if not has_stores:
            raise
        return None
    if found is None and wanted.search is not None and not has_stores:
        raise InvalidFields({"tools": ["a search needs at least one of vector_store_ids."]})
    return found


async def found_items(
    session: AsyncSession, user_id: int, given: Sequence[Item | Reference]
) -> list[Item]:
    """Items that were given, and those that were only named.

    Raises:
        NotFound: one that is named is none of the user's.
    """
    return [await _found(session, user_id, one) for one in given]


async def _found(session: AsyncSession, user_id: int, given: Item | Reference) -> Item:
    if not isinstance(given, Reference):
        return given
    row = await queries.item_of(session, user_id, given.id)
    item = stored_item(row.role, row.content, row.attachments) if row else None
    if item is None:
        raise ItemNotFound(given)
    return item


class ItemNotFound(NotFound):
    """An item that is named and is not there."""

    def __init__(self, given: Reference) -> None:
        super().__init__(f"Item with id '{given.id}' not found.")
        self.param = given.place


async def _before(session: AsyncSession, user_id: int, response_id: str | None) -> list[str]:
    if response_id is None:
        return []
    row = await queries.response_of(session, user_id, response_id)
    if row is None:
        raise PreviousNotFound(response_id)
    if standing(row.run, row.answer).status in ACTIVE:
        why = f"response '{response_id}' is still in progress."
        raise InvalidFields({"previous_response_id": [why]})
    if conversation_id(row.thread.public_id) is not None:
        return [response_id]
    return [*row.run.parameters["before"], response_id][-MOST_BEFORE:]


async def _conversation(session: AsyncSession, user_id: int, named: str | None) -> Place | None:
    if named is None:
        return None
    found = await queries.conversation_of(session, user_id, named)
    if found is None:
        raise unknown_conversation(named)
    return Place(found.id, found.public_id)


def unknown_conversation(conversation_id: str) -> NotFound:
    """The error about an id that is no conversation of the caller's."""
    return NotFound(f"Conversation with id '{conversation_id}' not found.")


async def own_response(session: AsyncSession, user_id: int, response_id: str) -> ResponseRow:
    """One of a user's stored responses.

    Raises:
        NotFound: there is none with that id for them.
    """
    row = await queries.response_of(session, user_id, response_id)
    if row is None:
        raise NotFound(f"Response with id '{response_id}' not found.")
    return row
