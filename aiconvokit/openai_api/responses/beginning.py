"""A response begins: as a turn of a thread, or as one of which nothing is stored."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from aiconvokit.accounts.queries import NO_ASSISTANT
from aiconvokit.chat import turn_queries
from aiconvokit.chat.turn import StoredTurn, first_transaction
from aiconvokit.chat.turn_queries import Persona
from aiconvokit.chat.turn_state import Bounds, Turn
from aiconvokit.db import Transaction, in_transaction
from aiconvokit.errors import ChatBusy, Conflict
from aiconvokit.ids import public_id
from aiconvokit.openai_api.completions import queries as completions_queries
from aiconvokit.openai_api.models.names import UnknownModel
from aiconvokit.openai_api.responses import queries
from aiconvokit.openai_api.responses.asking import Asked, unknown_conversation
from aiconvokit.openai_api.responses.context import Context, Kept, context_of
from aiconvokit.openai_api.responses.items import rows_of
from aiconvokit.openai_api.responses.queries import RESPONSE
from aiconvokit.openai_api.responses.show import conversation_id, parameters_of
from aiconvokit.openai_api.tables import Run
from aiconvokit.retrieval.types import Searchable
from aiconvokit.services import Services

NOBODY = Persona(NO_ASSISTANT, "", "", None)
"""Who answers where no assistant is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A response whose turn has begun; `message_id` is its answer's.

    `run` is stored, unless `is_stored` is not so.
    """

    services: Services
    user_id: int
    run: Run
    turn: Turn
    conversation: str | None
    message_id: str

    @property
    def is_stored(self) -> bool:
        """Whether it is there afterwards."""
        return isinstance(self.turn, StoredTurn)


async def begin(
    asked: Asked, along: Callable[[Transaction, Run], Awaitable[None]] | None = None
) -> Begun:
    """Begin a response; one that is to be stored is so, `along` with it, all or nothing.

    Raises:
        InvalidFields: there is nothing to answer.
        NotFound: the conversation was deleted meanwhile.
        UnknownModel: the assistant was.
        Conflict: another response is in work in the conversation.
    """
    if not asked.body.is_stored:
        return await _begin_unstored(asked)
    services, conversation = asked.services, asked.conversation
    run = Run(public_id=public_id(RESPONSE), metadata_=asked.body.metadata or {})

    async def begun(transaction: Transaction, lease: UUID) -> StoredTurn | None:
        turn = await _begun(asked, run, transaction, lease)
        if turn is not None and along is not None:
            await along(transaction, run)
        return turn

    held = None if conversation is None else conversation.id
    try:
        turn = await first_transaction(
            services,
            begun,
            partial(turn_queries.give_back, thread_id=held),
            partial(_ensure_there, asked),
        )
    except ChatBusy as error:
        raise ConversationLocked from error
    return Begun(
        services=services,
        user_id=asked.user_id,
        run=run,
        turn=turn,
        conversation=conversation_id(turn.thread_public_id),
        message_id=turn.message_id,
    )


class ConversationLocked(Conflict):
    """Something is in work in a conversation; programs look for the code."""

    code = "conversation_locked"
    retry_after: float | None = 1.0

    def __init__(self) -> None:
        super().__init__("Another response is in work in this conversation. Try again in a moment.")


async def _ensure_there(asked: Asked) -> None:
    if asked.conversation is None:
        return
    async with asked.services.sessions() as session:
        named = asked.conversation.public_id
        if await queries.conversation_of(session, asked.user_id, named) is None:
            raise unknown_conversation(named)


async def _begun(
    asked: Asked, run: Run, transaction: Transaction, lease: UUID
) -> StoredTurn | None:
    run.assistant_id = ""
    if asked.assistant_id is not None:
        run.assistant_id = await queries.hold_assistant(transaction, asked.assistant_id) or ""
    persona, collections = await _answering(asked, transaction)
    seconds = asked.services.settings.limits.lease_seconds
    place, user_id = asked.conversation, asked.user_id
    if place is None:
        place = await queries.make(transaction, user_id, lease, seconds)
    elif await queries.take(transaction, user_id, place, lease, seconds) is None:
        return None
    rows = rows_of(asked.items)
    new = [
        Kept(item, row.public_id, is_new=True) for item, row in zip(asked.items, rows, strict=True)
    ]
    context = context_of([*await _said_before(asked, transaction), *new])
    message_id = public_id("msg")
    run.message_id = await queries.insert_items(transaction, place.id, rows, answer=message_id)
    chat_id = 0
    if asked.conversation is not None and asked.assistant_id is not None:
        chat_id = await queries.ensure_chat(transaction, place.id, asked.assistant_id)
    turn = StoredTurn(
        **_fields(asked, persona, collections, context),
        user_id=user_id,
        chat_id=chat_id,
        thread_id=place.id,
        thread_public_id=place.public_id,
        lease=lease,
        message_row=run.message_id,
        message_id=message_id,
    )
    _describe(run, asked, turn, context)
    run.thread_id, run.parameters["input"] = place.id, [one.public_id for one in rows]
    run.id, run.created_at = await queries.insert_run(transaction, run)
    return turn


async def _begin_unstored(asked: Asked) -> Begun:
    async with in_transaction(asked.services.pool) as transaction:
        persona, collections = await _answering(asked, transaction)
        said = await _said_before(asked, transaction)
    context = context_of([*said, *(Kept(one, is_new=True) for one in asked.items)])
    run = Run(
        public_id=public_id(RESPONSE),
        metadata_=asked.body.metadata or {},
        created_at=datetime.now(UTC),
    )
    turn = Turn(**_fields(asked, persona, collections, context))
    _describe(run, asked, turn, context)
    named = None if asked.conversation is None else asked.conversation.public_id
    return Begun(
        services=asked.services,
        user_id=asked.user_id,
        run=run,
        turn=turn,
        conversation=named,
        message_id=public_id("msg"),
    )


async def _said_before(asked: Asked, transaction: Transaction) -> list[Kept]:
    if not asked.before and asked.conversation is None:
        return []
    thread_id = None if asked.conversation is None else asked.conversation.id
    return await queries.before(transaction, asked.user_id, asked.before, thread_id)


async def _answering(
    asked: Asked, transaction: Transaction
) -> tuple[Persona, Sequence[Searchable]]:
    """Who answers, and what is read."""
    persona: Persona = NOBODY
    found: Sequence[Searchable] = []
    if asked.assistant_id is not None:
        shared = asked.services.settings.shared_assistants
        row = await completions_queries.asked(
            transaction, asked.user_id, asked.assistant_id, shared=shared
        )
        if row is None:
            raise UnknownModel(asked.body.model)
        persona, found = row
    if not asked.tools.searches:
        return persona, []
    known = {one.id for one in found}
    return persona, [*found, *(one for one in asked.stores if one.id not in known)]


def _fields(
    asked: Asked, persona: Persona, collections: Sequence[Searchable], context: Context
) -> dict[str, Any]:
    """Those of a turn, stored or not."""
    body, search = asked.body, asked.tools.search
    ranking = search.ranking_options if search else None
    told = [persona.instructions, body.instructions, *context.system]
    return {
        "question": context.question,
        "persona": replace(persona, instructions="\n\n".join(filter(None, told))),
        "collections": collections,
        "history": context.history,
        "bounds": Bounds(
            passages=search.max_num_results if search else None,
            score=ranking.score_threshold if ranking else 0.0,
            answer_tokens=body.max_output_tokens,
        ),
        "offered": asked.tools.offered,
        "rounds": context.rounds,
        "where": asked.tools.where,
    }


def _describe(run: Run, asked: Asked, turn: Turn, context: Context) -> None:
    """Note with a response what it was asked for with, and what it shows of that."""
    run.parameters = {
        "shown": parameters_of(asked.body, asked.tools.shown, asked.tools.choice),
        "searches": any(one.chunk_count for one in turn.collections),
        "before": list(asked.before),
        "asked": list(context.asked),
        "input": [],
        "output": [],
    }
