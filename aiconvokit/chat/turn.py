"""The database's side of a turn: begun, recorded or abandoned, each in one transaction.

Locks are taken in one order: assistant, thread, documents, as deletions take them.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
import psycopg

from aiconvokit.accounts.queries import add_usage
from aiconvokit.assistants import access
from aiconvokit.chat import begin_queries, finish_queries, queries, turn_queries, waiting
from aiconvokit.chat.lease import POLL_SECONDS, WAIT_SECONDS
from aiconvokit.chat.prompt import Role, Said
from aiconvokit.chat.proof import Citation
from aiconvokit.chat.receipt import documents_in, draw, without_words_of
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.chat.tables import API
from aiconvokit.chat.telling import how_it_broke_off, tell
from aiconvokit.chat.turn_queries import Earlier
from aiconvokit.chat.turn_state import Turn
from aiconvokit.chat.waiting import Held, Waiting
from aiconvokit.db import Transaction, in_transaction
from aiconvokit.errors import AIConvoKitError, ChatBusy, Conflict, InvalidFields, NotFound
from aiconvokit.files.redaction_queries import REDACTED
from aiconvokit.llm.functions import FunctionCall
from aiconvokit.rest.lists import MAX_ID
from aiconvokit.services import Services

logger = logging.getLogger(__name__)

HISTORY_MESSAGES = 40
"""Read at most; what the model is sent is bounded by tokens."""
OTHER_ASSISTANT = "This chat belongs to another assistant."
VISITORS_CHAT = "This is a visitor's conversation; only the visitor can go on with it."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a user in a chat with an assistant.

    `origin` is that of the chat's thread: nobody but its visitor asks in a visitor's.
    """

    user_id: int
    chat_id: int
    assistant_id: int
    question: str
    origin: str = API


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTurn(Turn):
    """A turn of a thread: what the first transaction settled.

    `message_row` and `message_id` are those of its answer. Where the model calls functions, the
    turn waits `waits_seconds` for what they come to; 0: it ends with the calls.
    """

    waits_seconds: int = 0
    user_id: int
    chat_id: int
    thread_id: int
    thread_public_id: str
    lease: UUID
    message_row: int
    message_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is stored."""

    thread_id: str
    message_id: str
    passages: int
    """How many the model, or the extract, was given."""
    output: str
    citations: tuple[Citation, ...]
    claims: Sequence[dict[str, Any]]
    model: str
    usage: dict[str, int] | None
    finish_reason: str | None
    milliseconds: dict[str, float]
    calls: tuple[FunctionCall, ...] = ()
    """Of functions; the turn ended with them, or waits."""
    waits: Waiting | None = None
    """For what the functions come to; None: the turn is over."""


async def begin(services: Services, asked: Asked) -> StoredTurn:
    """Take the lease, store the question and an unfinished answer, read what the turn needs.

    Raises:
        NotFound: no such chat, or an assistant that may not be asked any more.
        InvalidFields: the chat is one with another assistant.
        ChatBusy: another turn holds the thread for longer than a second.
        Conflict: the chat is a visitor's.
    """
    return await begin_when_free(
        services,
        partial(_begun, services, asked),
        partial(turn_queries.give_back, chat_id=min(asked.chat_id, MAX_ID)),
        partial(_ensure_askable, services, asked),
    )


Begins = Callable[[UUID], Awaitable[StoredTurn | None]]
"""Begins a turn under a lease, all or nothing; None when the thread is not to be had."""


BeginsInTransaction = Callable[[Transaction, UUID], Awaitable[StoredTurn | None]]
"""The same with several statements of one transaction."""


async def first_transaction(
    services: Services,
    begun: BeginsInTransaction,
    give_back: Callable[[Transaction, UUID], Awaitable[None]],
    ensure_askable: Callable[[], Awaitable[None]],
) -> StoredTurn:
    """`begin_when_free` for what takes several statements."""

    async def in_one(lease: UUID) -> StoredTurn | None:
        async with in_transaction(services.pool) as transaction:
            return await begun(transaction, lease)

    return await begin_when_free(services, in_one, give_back, ensure_askable)


async def begin_when_free(
    services: Services,
    begun: Begins,
    give_back: Callable[[Transaction, UUID], Awaitable[None]],
    ensure_askable: Callable[[], Awaitable[None]],
) -> StoredTurn:
    """Begin a turn, waiting a moment for another one's end.

    Args:
        services: the database.
        begun: begins it.
        give_back: frees the thread where nobody knows whether it began.
        ensure_askable: raises what keeps this user from asking there at all.

    Raises:
        ChatBusy: another turn holds the thread for longer than a second.
        AIConvoKitError: as `ensure_askable` has it.
    """
    lease, waited = uuid4(), 0.0
    while True:
        try:
            turn = await begun(lease)
        except BaseException:  # cancelled while it was committed, perhaps
            await asyncio.shield(_give_back(services, give_back, lease))
            raise
        if turn is not None:
            return turn
        await ensure_askable()
        if waited >= WAIT_SECONDS:
            raise ChatBusy
        await asyncio.sleep(POLL_SECONDS)
        waited += POLL_SECONDS


async def _give_back(
    services: Services, give_back: Callable[[Transaction, UUID], Awaitable[None]], lease: UUID
) -> None:
    try:
        async with services.pool.lend() as connection:
            await give_back(connection, lease)
    except psycopg.Error as error:  # it runs out by itself
        logger.warning("A lease could not be given back: %s", type(error).__name__)


async def _ensure_askable(services: Services, asked: Asked) -> None:
    """Raise what keeps a user from asking in a chat, unless it is another turn."""
    known = 0 <= asked.chat_id <= MAX_ID
    async with services.sessions() as session:
        row = await queries.chat_of(session, asked.user_id, asked.chat_id) if known else None
        if row is None:
            raise NotFound.of("Chat")
        # The server may have stopped sharing assistants since the chat began.
        await access.to_ask(services, session, asked.user_id, row[0].assistant_id)
    if row[1].origin != asked.origin:
        raise Conflict(VISITORS_CHAT, code="visitors_chat")
    if asked.assistant_id != row[0].assistant_id:
        raise InvalidFields({"assistant_id": [OTHER_ASSISTANT]})


async def _begun(services: Services, asked: Asked, lease: UUID) -> StoredTurn | None:
    if not all(0 <= one <= MAX_ID for one in (asked.chat_id, asked.assistant_id)):
        return None
    keys = {
        "chat": asked.chat_id,
        "assistant": asked.assistant_id,
        "user": asked.user_id,
        "origin": asked.origin,
        "shared": services.settings.shared_assistants,
        "seconds": services.settings.limits.lease_seconds,
        "limit": HISTORY_MESSAGES,
    }
    async with services.pool.lend() as connection:
        found = await begin_queries.begin(connection, keys, lease, asked.question)
    if found is None:
        return None
    room, begun = found
    return StoredTurn(
        user_id=asked.user_id,
        chat_id=asked.chat_id,
        question=asked.question,
        thread_id=room.thread_id,
        thread_public_id=room.thread_public_id,
        lease=lease,
        persona=room.persona,
        collections=begun.collections,
        history=[said(one) for one in begun.history],
        message_row=begun.row,
        message_id=begun.message_id,
    )


def said(message: Earlier) -> Said:
    """A stored message as a prompt has it."""
    cited = dict.fromkeys(one["document_id"] for one in message.citations or [])
    return Said(cast("Role", message.role), message.content, tuple(cited))


Along = Callable[[Transaction, "Done"], Awaitable[None]]
"""Something to be stored with an answer, or not at all."""


async def record(services: Services, turn: StoredTurn, along: Along | None) -> Done:
    """Store the answer with its receipt and give the lease back, all or nothing.

    Where the turn is to wait for what functions come to, it keeps the lease.

    Raises:
        ChatBusy: the lease ran out, and another turn has begun.
        NotFound: the chat was deleted meanwhile.
    """
    begun = time.perf_counter()
    is_simple = along is None and not turn.rounds and not turn.answer.calls
    if is_simple and (whole := await _put_down_whole(services, turn)) is not None:
        tell(turn, whole.finish_reason, begun)
        return whole
    async with in_transaction(services.pool) as transaction:
        if not await turn_queries.release_lease(transaction, turn.thread_id, turn.lease):
            raise await _lost(transaction, turn.thread_id)
        done = await _put_down(services, transaction, turn, "complete", None)
        if along is not None:
            await along(transaction, done)
        await count_answered(transaction, turn.user_id, turn)
    tell(turn, done.finish_reason, begun)
    return done


async def _put_down_whole(services: Services, turn: StoredTurn) -> Done | None:
    """Do what `record` does with one statement.

    None: nothing is done, as the lease was lost or a document is gone.
    """
    done, usage = _done(turn), turn.answer.usage
    keys = {
        "thread": turn.thread_id,
        "lease": turn.lease,
        "message": turn.message_row,
        "documents": sorted(documents_in(turn.trace, turn.history)),
        "owner": turn.user_id,
        "assistant": turn.persona.id,
        "questions": 1,
        "prompt": usage.prompt_tokens if usage else 0,
        "completion": usage.completion_tokens if usage else 0,
    }
    ended, receipt = _ended(turn, done, "complete", None), _receipt(services, turn, done)
    async with services.pool.lend() as connection:
        return done if await finish_queries.finish(connection, keys, ended, receipt) else None


async def count_answered(transaction: Transaction, user_id: int, turn: Turn) -> None:
    """Count an answered question and the tokens that it took; one that goes on was counted."""
    usage = turn.answer.usage
    await add_usage(
        transaction,
        user_id,
        turn.persona.id,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        questions=0 if turn.rounds else 1,
    )


async def _lost(transaction: Transaction, thread_id: int) -> AIConvoKitError:
    """Why a lease is not there any more: somebody else's turn, or no chat any more."""
    is_there = await turn_queries.thread_exists(transaction, thread_id)
    return ChatBusy() if is_there else NotFound.of("Chat")


async def abandon(services: Services, turn: StoredTurn, code: str | None) -> None:
    """The answer did not come to its end; the question stays, and the thread is free again.

    What was said until then is kept as `interrupted`. An answer that failed before its first word
    is `failed` with the error's code; without a code somebody stopped it.
    """
    status = how_it_broke_off(turn, is_fault=code is not None)
    tell(turn, status)
    async with in_transaction(services.pool) as transaction:
        if await turn_queries.release_lease(transaction, turn.thread_id, turn.lease):
            await _put_down(services, transaction, turn, status, code)


async def _put_down(
    services: Services, transaction: Transaction, turn: StoredTurn, status: str, code: str | None
) -> Done:
    """Store the answer as it is, with its receipt.

    What a document said that was deleted since the turn read it is not stored: as if it had been
    deleted a moment later. The other documents stay until the transaction ends.
    """
    done = _done(turn)
    used = sorted(documents_in(turn.trace, turn.history))
    held = await turn_queries.hold_documents(transaction, used) if used else set()
    gone = set(used) - held
    told = {citation.passage.document_id for citation in done.citations}
    if turn.trace.messages:  # a model may repeat without a quote what it was sent
        told |= {source.passage.document_id for source in turn.trace.sent}
        told.update(*(one.cited for one in turn.history))
    if gone & told:
        done = replace(done, output=REDACTED, citations=(), claims=(), calls=())
        status = "redacted"
    receipt = _receipt(services, turn, done)
    kept = without_words_of(receipt, gone) if gone else receipt
    ended = _ended(turn, done, status, code)
    if status == "complete" and done.calls and turn.waits_seconds:
        place = Held(turn.thread_id, turn.lease, turn.waits_seconds, turn.message_row)
        waits = await waiting.begin(transaction, place, ended, sorted(held), kept)
        return replace(done, waits=waits)
    await turn_queries.finish(transaction, turn.message_row, ended, sorted(held), kept)
    return done


def _receipt(services: Services, turn: StoredTurn, done: Done) -> ReceiptOut:
    limits, model = services.settings.limits, turn.answer.model
    return draw(turn.trace, turn.message_id, limits, model=model, usage=done.usage)


def _ended(turn: StoredTurn, done: Done, status: str, code: str | None) -> dict[str, Any]:
    """The columns of an answer that has ended."""
    return {
        "status": status,
        "content": done.output,
        "model": turn.answer.model,
        "finish_reason": done.finish_reason,
        "error_code": code,
        "usage": done.usage,
        "citations": [stored_citation(one) for one in done.citations],
        "claims": list(done.claims),
        "milliseconds": done.milliseconds,
    }


def _done(turn: StoredTurn) -> Done:
    answer = turn.answer
    return Done(
        thread_id=turn.thread_public_id,
        message_id=turn.message_id,
        passages=len(turn.trace.sent),
        output=answer.proven.output,
        citations=answer.proven.citations,
        claims=msgspec.to_builtins(answer.proven.claims),
        model=answer.model or "",
        usage=msgspec.to_builtins(answer.usage) if answer.usage else None,
        finish_reason=answer.finish_reason,
        milliseconds=turn.trace.times(),
        calls=answer.calls,
    )


def stored_citation(citation: Citation) -> dict[str, Any]:
    """A citation as it is kept with its answer; addresses are made when it is shown."""
    passage = citation.passage
    return {
        "index": citation.index,
        "document_id": passage.document_id,
        "version": passage.version,
        "filename": passage.filename,
        "page": passage.page,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }
