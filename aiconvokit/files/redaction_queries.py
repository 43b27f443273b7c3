"""What a deleted document said goes out of answers, of their receipts, and of kept answers."""

from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncSession

REDACTED = "[redacted: a cited document was deleted]"
"""In the place of an answer, and of its quotes. It mixes the words of all that it cites."""

# Messages are named, not imported: the chat feature stands above this one.
_REDACT = text(
    """
    UPDATE message SET
        status = 'redacted', content = :notice, claims = '[]',
        citations = (
            SELECT jsonb_agg(
                cited || jsonb_build_object('quote', CAST(:notice AS text), 'start', 0, 'end', 0)
                ORDER BY nr)
            FROM jsonb_array_elements(citations) WITH ORDINALITY AS one(cited, nr)
        )
    WHERE citations @> jsonb_build_array(jsonb_build_object('document_id', CAST(:id AS bigint)))
    """
)


# A prompt mixes the words of all its documents, so it goes as a whole.
_REDACT_RECEIPTS = text(
    """
    UPDATE receipt SET
        document_ids = array_remove(document_ids, CAST(:id AS bigint)),
        content = content || jsonb_build_object(
            'redacted', true, 'rewritten', NULL, 'messages', jsonb_build_array(), 'passages', (
                SELECT coalesce(jsonb_agg(
                    CASE WHEN CAST(found ->> 'document_id' AS bigint) = :id
                         THEN found || '{"filename": null, "heading": null, "sha256": null}'
                         ELSE found END
                    ORDER BY nr), '[]')
                FROM jsonb_array_elements(content -> 'passages') WITH ORDINALITY AS p(found, nr)))
    WHERE document_ids @> ARRAY[CAST(:id AS bigint)]
    """
)


# Answers that are kept for requests sent again, of all assistants that cited it.
_FORGET = text(
    """
    DELETE FROM idempotency WHERE assistant_id IN (
        SELECT c.assistant_id FROM message m JOIN chat c ON c.thread_id = m.thread_id
        WHERE m.citations @> jsonb_build_array(
            jsonb_build_object('document_id', CAST(:id AS bigint))))
    """
)


async def redact_answers(session: AsyncSession, document_id: int) -> int:
    """Take the words of answers that cite a document, whosever they are, and of receipts.

    Returns:
        the number of the answers.
    """
    result = await session.execute(_REDACT, {"id": document_id, "notice": REDACTED})
    await redact_receipts(session, document_id)
    await session.execute(_FORGET, {"id": document_id})
    return cast("CursorResult[Any]", result).rowcount


async def redact_receipts(session: AsyncSession, document_id: int) -> None:
    """Take a document's words out of the receipts that hold some; numbers and scores stay."""
    await session.execute(_REDACT_RECEIPTS, {"id": document_id})
