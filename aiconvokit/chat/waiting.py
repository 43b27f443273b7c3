"""A turn that waits: the model called functions, and the turn goes on with what they came to.

Its thread stays its own meanwhile. The lease is left in place and runs out later than a working
turn's, so that whoever looks for busy threads and lost turns needs to know nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from aiconvokit.chat import turn_queries, waiting_queries
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.db import Transaction
from aiconvokit.ids import public_id


@dataclass(frozen=True, slots=True)
class Held:
    """The thread of a turn that is to wait for so many seconds, and the row of its answer."""

    thread_id: int
    lease: UUID
    seconds: int
    message_row: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn that waits `until` (seconds since 1970, by the database's clock).

    `message_row` is that of the answer to come. `said_row` is that of what the model said beside
    its calls, None: nothing.
    """

    message_row: int
    said_row: int | None
    lease: UUID
    until: float


async def begin(
    transaction: Transaction,
    held: Held,
    ended: Mapping[str, Any],
    documents: Sequence[int],
    receipt: ReceiptOut,
) -> Waiting:
    """Let a turn wait, in its last transaction.

    What the model said is a message of its own, and whole. Without a word there is none: the
    unfinished answer goes on waiting for its first one.

    Args:
        transaction: the turn's last.
        held: what stays the turn's.
        ended: the answer as `turn_queries.finish` takes it.
        documents: ids of those whose words the receipt holds.
        receipt: how the answer came about so far.
    """
    said_row, row = None, held.message_row
    if ended["content"].strip():
        await turn_queries.finish(transaction, row, ended, documents, receipt)
        answer_id = public_id("msg")
        said_row, receipt = row, replace(receipt, message_id=answer_id)
        row = await waiting_queries.insert_answer(transaction, held.thread_id, answer_id)
    await waiting_queries.keep_receipt(transaction, row, documents, receipt)
    until = await waiting_queries.hold(transaction, held.thread_id, held.lease, held.seconds)
    return Waiting(row, said_row, held.lease, until)
