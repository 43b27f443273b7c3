"""How an answer ended is put down, its thread freed and its question counted, with one statement.

Where that cannot be done as a whole, nothing is: see `chat.turn.record`.
"""

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from aiconvokit.accounts.queries import COUNT_QUESTION
from aiconvokit.chat.schemas import ReceiptOut
from aiconvokit.chat.turn_queries import as_columns
from aiconvokit.db import Transaction
from aiconvokit.statements import Prepared

# The thread before its documents, as deletions lock them.
_FINISH = Prepared(
    f"""
WITH room AS (
    SELECT id FROM thread WHERE id = :thread AND lease_token = :lease FOR NO KEY UPDATE
), held AS (
    SELECT id FROM document WHERE id = ANY(:documents) AND EXISTS (SELECT FROM room)
    ORDER BY id FOR KEY SHARE
), whole AS MATERIALIZED (
    SELECT id FROM room WHERE (SELECT count(*) FROM held) = cardinality(:documents)
), freed AS (
    UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
    WHERE id = (SELECT id FROM whole)
), kept AS (
    INSERT INTO receipt (message_id, document_ids, content)
    SELECT CAST(:message AS bigint), CAST(:documents AS bigint[]), CAST(:receipt AS jsonb)
    FROM whole
), counted AS (
    {COUNT_QUESTION.format("FROM whole")}
)
UPDATE message
SET status = :status, content = :content, model = :model,
    finish_reason = :finish_reason, error_code = :error_code, usage = :usage,
    citations = :citations, claims = :claims, milliseconds = :milliseconds
WHERE id = :message AND EXISTS (SELECT FROM whole) RETURNING id
"""  # noqa: S608  # ours, above
)


async def finish(
    connection: Transaction,
    keys: Mapping[str, Any],
    ended: Mapping[str, Any],
    receipt: ReceiptOut,
) -> bool:
    """Put down a whole answer.

    Args:
        connection: in no transaction.
        keys: the `thread`, the turn's `lease`, the answer's row (`message`), ids of the `documents`
            whose words the receipt holds; whose question it was (`owner`), of which `assistant`, as
            how many `questions` it counts, with how many tokens (`prompt`, `completion`).
        ended: a value for each column but those that the answer began with.
        receipt: what is kept.

    Returns:
        False: the lease was lost or one of the documents is gone, and nothing is done.
    """
    values = {**keys, **as_columns(ended), "receipt": Jsonb(receipt)}
    return await _FINISH.row(connection, values) is not None
