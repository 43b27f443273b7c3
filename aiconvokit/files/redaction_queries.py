"""What a deleted document said goes out of answers, of their receipts, and of kept answers."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

REDACTED = "[redacted: a cited document was deleted]"
"""In the place of an answer, and of its quotes. It mixes the words of all that it cites."""
PAGES_AT_ONCE = 200
"""Of a document whose words are looked for: some 600 kB."""

# Messages are named, not imported: the chat feature stands above this one.
_CITING = text(
    """
    SELECT id FROM message
    WHERE citations @> jsonb_build_array(jsonb_build_object('document_id', CAST(:id AS bigint)))
      AND status <> 'redacted'
    ORDER BY id
    """
)
# Told by their receipts: what they were written from holds words of the document.
_TOLD = text(
    """
    SELECT m.id, m.thread_id, m.content, coalesce(m.claims, '[]'),
           coalesce(jsonb_array_length(m.citations), 0) > 0
    FROM receipt r JOIN message m ON m.id = r.message_id
    WHERE r.document_ids @> ARRAY[CAST(:id AS bigint)] AND m.content <> ''
      AND m.status <> 'redacted' AND m.id <> ALL(:citing)
      AND jsonb_array_length(r.content -> 'messages') > 0
    ORDER BY m.id
    """
)
# With the threads of responses of `/v1` that went on from one of these answers, or a later one.
_THREADS = text(
    """
    WITH first AS (
        SELECT thread_id, min(id) AS id FROM message WHERE id = ANY(:ids) GROUP BY thread_id
    ), response AS (
        SELECT r.public_id FROM run r JOIN first ON first.thread_id = r.thread_id
        WHERE starts_with(r.public_id, 'resp_') AND r.message_id >= first.id
    )
    SELECT thread_id, min(id) FROM (
        SELECT thread_id, id FROM first
        UNION ALL
        SELECT went_on.thread_id, (SELECT min(id) FROM first)
        FROM run went_on JOIN thread t ON t.id = went_on.thread_id
        WHERE EXISTS (SELECT FROM response)
          AND t.owner_id IN (
              SELECT owner_id FROM thread WHERE id IN (SELECT thread_id FROM first))
          AND went_on.parameters -> 'before' ?| ARRAY(SELECT public_id FROM response)
    ) AS one GROUP BY thread_id
    """
)
_TEXTS = text(
    """
    SELECT version, number, text FROM page
    WHERE document_id = :id AND (version, number) > (:version, :number)
    ORDER BY version, number LIMIT :most
    """
)
_REDACT = text(
    """
    UPDATE message SET
        status = 'redacted', content = :notice, claims = '[]',
        citations = (
            SELECT coalesce(jsonb_agg(
                cited || jsonb_build_object('quote', CAST(:notice AS text), 'start', 0, 'end', 0)
                ORDER BY nr), '[]')
            FROM jsonb_array_elements(citations) WITH ORDINALITY AS one(cited, nr)
        )
    WHERE id = ANY(:ids)
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


# A model may call a function with words of any document that it was sent. What it came to is the
# client's own.
_REDACT_CALLS = text(
    """
    UPDATE run SET parameters = jsonb_set(parameters, '{rounds}', (
        SELECT jsonb_agg(jsonb_set(made, '{calls}', (
            SELECT jsonb_agg(call || jsonb_build_object('arguments', CAST(:notice AS text))
                             ORDER BY at)
            FROM jsonb_array_elements(made -> 'calls') WITH ORDINALITY AS one(call, at)
        )) ORDER BY nr)
        FROM jsonb_array_elements(parameters -> 'rounds') WITH ORDINALITY AS round(made, nr)))
    WHERE parameters ? 'rounds' AND message_id IN (
        SELECT message_id FROM receipt WHERE document_ids @> ARRAY[CAST(:id AS bigint)])
    """
)


# The same of responses, whose calls are rows of their own.
_REDACT_CALL_ITEMS = text(
    """
    UPDATE message m SET attachments = jsonb_set(
        m.attachments, '{0,arguments}', to_jsonb(CAST(:notice AS text)))
    FROM receipt r JOIN run ON run.message_id = r.message_id
    WHERE r.document_ids @> ARRAY[CAST(:id AS bigint)]
      AND m.public_id IN (SELECT jsonb_array_elements_text(run.parameters -> 'output'))
      AND m.thread_id = run.thread_id
    """
)


# Answers that are kept for requests sent again, of all assistants that gave one of these.
_FORGET = text(
    """
    DELETE FROM idempotency WHERE assistant_id IN (
        SELECT c.assistant_id FROM message m JOIN chat c ON c.thread_id = m.thread_id
        WHERE m.id = ANY(:ids))
    """
)


class Told(NamedTuple):
    """An answer that was written with words of a document before the model, and does not cite it.

    `claims` are its sentences: `start` and `end` in characters, and whether one is `supported`.
    """

    id: int
    thread_id: int
    content: str
    claims: Sequence[dict[str, Any]]
    cites: bool
    """Any other document."""


async def citing(session: AsyncSession, document_id: int) -> Sequence[int]:
    """Ids of the answers that cite a document, whosever they are."""
    return (await session.scalars(_CITING, {"id": document_id})).all()


async def told_of(session: AsyncSession, document_id: int, but: Sequence[int]) -> Sequence[Told]:
    """The answers that a model wrote with words of a document before it; `but` are other ids."""
    rows = await session.execute(_TOLD, {"id": document_id, "citing": list(but)})
    return [Told(*row) for row in rows]


async def first_in_threads(session: AsyncSession, message_ids: Sequence[int]) -> dict[int, int]:
    """Thread id -> the first of some messages in it, or of those before it that it went on from."""
    rows = await session.execute(_THREADS, {"ids": list(message_ids)})
    return {row[0]: row[1] for row in rows}


async def texts_of(session: AsyncSession, document_id: int) -> AsyncIterator[Sequence[str]]:
    """The pages of a document, of all its versions, some at a time."""
    after = {"version": 0, "number": 0}
    while True:
        keys = {"id": document_id, "most": PAGES_AT_ONCE, **after}
        rows = (await session.execute(_TEXTS, keys)).all()
        if not rows:
            return
        yield [row[2] for row in rows]
        after = {"version": rows[-1][0], "number": rows[-1][1]}


async def redact(session: AsyncSession, message_ids: Sequence[int]) -> None:
    """Take the words of some answers, and forget them where they were kept to be sent again."""
    keys = {"ids": list(message_ids)}
    await session.execute(_REDACT, {**keys, "notice": REDACTED})
    await session.execute(_FORGET, keys)


async def redact_receipts(session: AsyncSession, document_id: int) -> None:
    """Take a document's words out of the receipts that hold some; numbers and scores stay.

    Calls of functions that were made on the way to those answers lose their arguments.
    """
    for calls in (_REDACT_CALLS, _REDACT_CALL_ITEMS):
        await session.execute(calls, {"id": document_id, "notice": REDACTED})
    await session.execute(_REDACT_RECEIPTS, {"id": document_id})
