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

# The thread before its documents, as deletions lock them.
_FINISH = f"""
WITH room AS (
    SELECT id FROM thread WHERE id = %(thread)s AND lease_token = %(lease)s FOR NO KEY UPDATE
), held AS (
    SELECT id FROM document WHERE id = ANY(%(documents)s) AND EXISTS (SELECT FROM room)
    ORDER BY id FOR KEY SHARE
), whole AS MATERIALIZED (
    SELECT id FROM room WHERE (SELECT count(*) FROM held) = cardinality(%(documents)s)
), freed AS (
    UPDATE thread SET lease_token = NULL, lease_expires_at = NULL
    WHERE id = (SELECT id FROM whole)
), kept AS (
    INSERT INTO receipt (message_id, document_ids, content)
    SELECT %(message)s, %(documents)s, %(receipt)s FROM whole
), counted AS (
    {COUNT_QUESTION.format("FROM whole")}
)
UPDATE message
SET status = %(status)s, content = %(content)s, model = %(model)s,
    finish_reason = %(finish_reason)s, error_code = %(error_code)s, usage = %(usage)s,
    citations = %(citations)s, claims = %(claims)s, milliseconds = %(milliseconds)s
WHERE id = %(message)s AND EXISTS (SELECT FROM whole) RETURNING id
"""  # noqa: S608  # ours, above


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
    return await (await connection.execute(_FINISH, values)).fetchone() is not None
