"""The database's side of a turn: begun, recorded or abandoned, each in one transaction.

Locks are taken in one order: assistant, thread, documents, as deletions take them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast
from uuid import UUID, uuid4

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat import queries
from aiconvokit.chat.lease import POLL_SECONDS, WAIT_SECONDS
from aiconvokit.chat.prompt import Role, Said
from aiconvokit.chat.proof import Attributed, Citation
from aiconvokit.chat.receipt import Trace, documents_in, draw
from aiconvokit.chat.tables import Message, Receipt
from aiconvokit.errors import AIConvoKitError, ChatBusy, NotFound
from aiconvokit.files.queries import REDACTED, hold_documents, redact_receipts
from aiconvokit.llm.chat_model import Usage
from aiconvokit.services import Services
from ingestion.tables import Collection

HISTORY_MESSAGES = 40
"""Read at most; what the model is sent is bounded by tokens."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the first transaction settled, and the trace of what comes after it."""

    chat_id: int
    thread_id: int
    lease: UUID
    question: str
    assistant: Assistant
    collections: Sequence[Collection]
    history: Sequence[Said]
    message_row: int
    message_id: str
    trace: Trace = field(default_factory=Trace)

    @property
    def asked_before(self) -> list[str]:
        """The user's earlier questions, oldest first."""
        return [said.content for said in self.history if said.role == "user"]


@dataclass(frozen=True, slots=True)
class Written:
    """What the model, or its stand-in, came to."""

    proven: Attributed
    model: str
    finish_reason: str | None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is stored."""

    message_id: str
    output: str
    citations: tuple[Citation, ...]
    claims: Sequence[dict[str, Any]]
    model: str
    usage: dict[str, int] | None
    finish_reason: str | None


async def begin(services: Services, chat: queries.ChatRow, question: str) -> Turn:
    """Take the lease, store the question and an unfinished answer, read what the turn needs.

    Raises:
        ChatBusy: another turn holds the thread for longer than a second.
        NotFound: the chat was deleted meanwhile.
    """
    thread, lease, waited = chat[1], uuid4(), 0.0
    while True:
        async with services.sessions.begin() as session:
            seconds = services.settings.limits.lease_seconds
            if await queries.take_lease(session, thread.id, lease, seconds):
                return await _begun(session, chat, lease, question)
            if waited >= WAIT_SECONDS:
                raise await _lost(session, thread.id)
        await asyncio.sleep(POLL_SECONDS)
        waited += POLL_SECONDS


async def _begun(session: AsyncSession, chat: queries.ChatRow, lease: UUID, question: str) -> Turn:
    row, thread = chat
    await queries.interrupt_unfinished(session, thread.id)
    history = await queries.newest_messages(session, thread.id, HISTORY_MESSAGES)
    await queries.insert_message(session, thread.id, "user", question, "complete")
    answer = await queries.insert_message(session, thread.id, "assistant", "", "in_progress")
    assistant = await session.get_one(Assistant, row.assistant_id)
    return Turn(
        chat_id=row.id,
        thread_id=thread.id,
        lease=lease,
        question=question,
        assistant=assistant,
        collections=await assistant_queries.collections_of(session, assistant.id),
        history=[_said(one) for one in history],
        message_row=answer.id,
        message_id=answer.public_id,
    )


def _said(message: Message) -> Said:
    cited = dict.fromkeys(one["document_id"] for one in message.citations or [])
    return Said(cast("Role", message.role), message.content, tuple(cited))


async def _lost(session: AsyncSession, thread_id: int) -> AIConvoKitError:
    """Why a lease is not to be had: somebody else's turn, or no chat any more."""
    return ChatBusy() if await queries.thread_exists(session, thread_id) else NotFound.of("Chat")


async def record(services: Services, turn: Turn, written: Written) -> Done:
    """Store the answer with its receipt and give the lease back, all or nothing.

    Raises:
        ChatBusy: the lease ran out, and another turn has begun.
        NotFound: the chat was deleted meanwhile.
    """
    done = _done(turn, written)
    cited = {citation.passage.document_id for citation in done.citations}
    async with services.sessions.begin() as session:
        # The assistant's row before the thread's, as whoever deletes an assistant takes them.
        await assistant_queries.count_answer(session, turn.assistant.id)
        if not await queries.release_lease(session, turn.thread_id, turn.lease):
            raise await _lost(session, turn.thread_id)
        status = "complete"
        if cited & await _keep_receipt(services, session, turn, done):
            # Deleted since it was quoted: as if it had been deleted a moment later.
            done, status = replace(done, output=REDACTED, citations=(), claims=()), "redacted"
        await queries.finish_message(
            session,
            turn.message_row,
            {
                "status": status,
                "content": done.output,
                "model": done.model,
                "finish_reason": done.finish_reason,
                "usage": done.usage,
                "citations": [stored_citation(one) for one in done.citations],
                "claims": list(done.claims),
            },
        )
    return done


def _done(turn: Turn, written: Written) -> Done:
    proven, usage = written.proven, written.usage
    return Done(
        message_id=turn.message_id,
        output=proven.output,
        citations=proven.citations,
        claims=[asdict(claim) for claim in proven.claims],
        model=written.model,
        usage=asdict(usage) if usage else None,
        finish_reason=written.finish_reason,
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


async def abandon(services: Services, turn: Turn, status: str, code: str | None) -> None:
    """The answer did not come to be; the question stays, and the thread is free again."""
    async with services.sessions.begin() as session:
        if await queries.release_lease(session, turn.thread_id, turn.lease):
            await _keep_receipt(services, session, turn, None)
            values = {"status": status, "error_code": code}
            await queries.finish_message(session, turn.message_row, values)


async def _keep_receipt(
    services: Services, session: AsyncSession, turn: Turn, done: Done | None
) -> set[int]:
    """Store how the answer came about, or how far it came.

    Returns:
        ids of documents that were deleted since the turn read them: the receipt has lost their
        words. The others stay until the transaction ends.
    """
    content = draw(
        turn.trace,
        turn.message_id,
        services.settings.limits,
        model=done.model if done else None,
        usage=done.usage if done else None,
    )
    used = documents_in(turn.trace, turn.history)
    gone = used.difference(await hold_documents(session, sorted(used)))
    receipt = Receipt(
        message_id=turn.message_row,
        document_ids=sorted(used),
        content=msgspec.to_builtins(content),
    )
    await queries.insert_receipt(session, receipt)
    for document_id in sorted(gone):
        await redact_receipts(session, document_id)
    return gone
