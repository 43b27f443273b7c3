"""A turn in a thread whose question is stored already: what the OpenAI wire calls a run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from aiconvokit.assistants import access
from aiconvokit.chat import queries, turn_queries, waiting_queries
from aiconvokit.chat.prompt import Said
from aiconvokit.chat.tables import API
from aiconvokit.chat.turn import (
    HISTORY_MESSAGES,
    VISITORS_CHAT,
    StoredTurn,
    first_transaction,
    said,
)
from aiconvokit.chat.turn_queries import Earlier, Persona, Room, Saying
from aiconvokit.chat.turn_state import UNBOUNDED, Bounds
from aiconvokit.db import Transaction
from aiconvokit.errors import BadRequest, Conflict, NotFound
from aiconvokit.llm.functions import Offered, Round
from aiconvokit.rest.fields import LONG_TEXT
from aiconvokit.services import Services

NOTHING_ASKED = "The thread has no message of a user to answer."
TOO_LONG_ASKED = (
    f"A question, all said since the last answer, has no more than {LONG_TEXT} characters."
)


@dataclass(frozen=True, slots=True)
class AskedInThread:
    """Whoever may, asks an assistant to answer what a user's last messages in a thread say.

    `thread_id` and `assistant_id` are rows. `instructions` None are the assistant's own;
    `more_instructions` come after them. `said_first` are stored when the turn begins, or not at
    all. `searches` None is as the assistant has it. Where the model calls functions that are
    `offered`, the thread waits `waits_seconds` for what they come to; 0: the turn ends with that.
    """

    user_id: int
    thread_id: int
    assistant_id: int
    instructions: str | None = None
    more_instructions: str = ""
    said_first: Sequence[Saying] = ()
    searches: bool | None = None
    last_messages: int = HISTORY_MESSAGES
    bounds: Bounds = UNBOUNDED
    offered: Offered | None = None
    waits_seconds: int = 0


@dataclass(frozen=True, slots=True)
class GoingOn:
    """How a turn that waits goes on: as it was `asked`, with the `rounds` of calls so far.

    `held` is its lease; `first_row` is the row of its first answer, `message_row` and `message_id`
    are those of the one to come.
    """

    asked: AskedInThread
    rounds: Sequence[Round]
    held: UUID
    first_row: int
    message_row: int
    message_id: str


AtBegin = Callable[[Transaction, StoredTurn], Awaitable[None]]
"""Something to be stored when a turn begins, or not at all."""


async def begin_in_thread(services: Services, asked: AskedInThread, along: AtBegin) -> StoredTurn:
    """Take the thread's lease, store an unfinished answer, read what the turn needs.

    Raises:
        NotFound: no such thread or assistant for this user.
        BadRequest: nothing was asked in the thread.
        ChatBusy: another turn holds the thread for longer than a second.
        Conflict: the thread is a visitor's.
    """
    return await first_transaction(
        services,
        partial(_begun, services, asked, along),
        partial(turn_queries.give_back, thread_id=asked.thread_id),
        partial(_ensure_askable, services, asked),
    )


async def go_on_in_thread(
    services: Services,
    going_on: GoingOn,
    along: AtBegin,
    say_why_not: Callable[[], Awaitable[None]],
) -> StoredTurn:
    """Take the thread of a turn that waits, and read again what it needs.

    Args:
        services: the database.
        going_on: how.
        along: stores what goes with it.
        say_why_not: raises what there is to say when the turn waits no more.

    Raises:
        AIConvoKitError: as `say_why_not` has it.
    """
    return await first_transaction(
        services,
        partial(_resumed, services, going_on, along),
        partial(turn_queries.give_back, thread_id=going_on.asked.thread_id),
        say_why_not,
    )


async def _ensure_askable(services: Services, asked: AskedInThread) -> None:
    async with services.sessions() as session:
        thread = await queries.thread_of(session, asked.user_id, asked.thread_id)
        if thread is None:
            raise NotFound.of("Thread")
        await access.to_ask(services, session, asked.user_id, asked.assistant_id)
    if thread.origin != API:
        raise Conflict(VISITORS_CHAT, code="visitors_chat")


async def _begun(
    services: Services,
    asked: AskedInThread,
    along: AtBegin,
    transaction: Transaction,
    lease: UUID,
) -> StoredTurn | None:
    seconds = services.settings.limits.lease_seconds
    room = await turn_queries.take_thread(transaction, _keys(services, asked), lease, seconds)
    if room is None:
        return None
    if asked.said_first:
        await turn_queries.insert_messages(transaction, room, asked.said_first)
    limit = min(asked.last_messages, HISTORY_MESSAGES)
    begun = await turn_queries.begin_in_thread(transaction, room, limit, searches=asked.searches)
    turn = StoredTurn(
        **_fields(asked, room, lease, begun.messages),
        chat_id=begun.chat_id,
        collections=begun.collections,
        message_row=begun.row,
        message_id=begun.message_id,
    )
    await along(transaction, turn)
    return turn


def _keys(services: Services, asked: AskedInThread) -> dict[str, Any]:
    return {
        "thread": asked.thread_id,
        "assistant": asked.assistant_id,
        "user": asked.user_id,
        "origin": API,
        "shared": services.settings.shared_assistants,
    }


async def _resumed(
    services: Services,
    going_on: GoingOn,
    along: AtBegin,
    transaction: Transaction,
    lease: UUID,
) -> StoredTurn | None:
    asked = going_on.asked
    keys = {**_keys(services, asked), "held": going_on.held}
    seconds = services.settings.limits.lease_seconds
    room = await waiting_queries.take(transaction, keys, lease, seconds)
    if room is None:
        return None
    limit = min(asked.last_messages, HISTORY_MESSAGES)
    read = await waiting_queries.resume(
        transaction, room, limit, going_on.first_row, searches=asked.searches
    )
    turn = StoredTurn(
        **_fields(asked, room, lease, read.messages),
        chat_id=read.chat_id,
        collections=read.collections,
        rounds=going_on.rounds,
        message_row=going_on.message_row,
        message_id=going_on.message_id,
    )
    await along(transaction, turn)
    return turn


def _fields(
    asked: AskedInThread, room: Room, lease: UUID, messages: Sequence[tuple[Earlier, str]]
) -> dict[str, Any]:
    """The fields of a turn that are the same when it begins and when it goes on."""
    question, history = _divided(messages)
    return {
        "user_id": asked.user_id,
        "thread_id": room.thread_id,
        "thread_public_id": room.thread_public_id,
        "lease": lease,
        "question": question,
        "persona": _instructed(room.persona, asked),
        "history": history,
        "bounds": asked.bounds,
        "offered": asked.offered,
        "waits_seconds": asked.waits_seconds,
    }


def _instructed(persona: Persona, asked: AskedInThread) -> Persona:
    own = persona.instructions if asked.instructions is None else asked.instructions
    parts = [part for part in (own, asked.more_instructions) if part]
    return replace(persona, instructions="\n\n".join(parts))


def _divided(messages: Sequence[tuple[Earlier, str]]) -> tuple[str, list[Said]]:
    """The question, and the conversation before it.

    The question is all that the user said since the last answer. Where that one failed and nothing
    was said since, it is what it was to answer.

    Raises:
        BadRequest: no user said anything, or too much.
    """
    question: list[str] = []
    history: list[Said] = []
    is_question = True
    for message, status in reversed(messages):
        if message.role == "user" and is_question:
            question.insert(0, message.content)
            continue
        if message.role == "assistant" and (question or status == "complete"):
            is_question = False
        if status == "complete":
            history.insert(0, said(message))
    if not question:
        raise BadRequest(NOTHING_ASKED)
    asked = "\n\n".join(question)
    if len(asked) > LONG_TEXT:  # the search would keep a processor busy for seconds
        raise BadRequest(TOO_LONG_ASKED)
    return asked, history
