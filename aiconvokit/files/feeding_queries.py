"""Statements on documents that wait to be read, and on the jobs of those whose turn has come."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.jobs import STALLED_AFTER_SECONDS

INGEST_TASK = "ingest_document"

# A job that was put off is not in work: its owner's next document may be. The job that asks ends.
# Documents that wait for an embedder have its error (`postponed`) and are not tried meanwhile.
_NEXT = """
WITH jobs AS MATERIALIZED (
    SELECT CAST(args ->> 'document_id' AS bigint) AS document_id,
           status = 'doing' OR scheduled_at IS NULL OR scheduled_at <= now() AS is_current
    FROM procrastinate_jobs
    WHERE task_name = :task AND status IN ('todo', 'doing') AND id <> :ending
      AND args ->> 'document_id' IS NOT NULL
), room AS MATERIALIZED (
    SELECT greatest(1, count(*)) * :at_once AS documents FROM procrastinate_workers
    WHERE last_heartbeat > now() - make_interval(secs => :alive)
), owner AS MATERIALIZED ({owners}
), taken AS MATERIALIZED (
    SELECT c.owner_id, count(DISTINCT d.id) AS documents
    FROM jobs JOIN document d ON d.id = jobs.document_id JOIN collection c ON c.id = d.collection_id
    WHERE jobs.is_current GROUP BY c.owner_id
)
SELECT id FROM (
    SELECT next.id, owner.id AS owner_id,
           row_number() OVER (PARTITION BY owner.id ORDER BY next.id) AS place
    FROM owner CROSS JOIN LATERAL (
        SELECT d.id FROM collection c CROSS JOIN LATERAL (
            SELECT id FROM document
            WHERE collection_id = c.id AND status = ANY(:statuses) AND error_code IS NULL
              AND id NOT IN (SELECT document_id FROM jobs
                             WHERE is_current OR document_id <> ALL(CAST(:asked AS bigint[])))
            ORDER BY id LIMIT (SELECT documents FROM room)
        ) AS d
        WHERE c.owner_id = owner.id ORDER BY d.id LIMIT (SELECT documents FROM room)
    ) AS next
) AS waiting
LEFT JOIN taken USING (owner_id)
WHERE place <= (SELECT documents FROM room) - coalesce(taken.documents, 0)
ORDER BY place, id
"""
_OF_DOCUMENTS = """
    SELECT DISTINCT c.owner_id AS id FROM document d JOIN collection c ON c.id = d.collection_id
    WHERE d.id = ANY(CAST(:documents AS bigint[]))"""
_OF_ALL = """
    SELECT DISTINCT c.owner_id AS id FROM document d JOIN collection c ON c.id = d.collection_id
    WHERE d.status IN ('queued', 'processing')"""

_NEXT_OF_SOME = text(_NEXT.format(owners=_OF_DOCUMENTS))
_NEXT_OF_ALL = text(_NEXT.format(owners=_OF_ALL))


async def next_of_owners(
    session: AsyncSession,
    document_ids: Sequence[int],
    at_once: int,
    *,
    asked: Sequence[int] = (),
    ending: int = 0,
) -> Sequence[int]:
    """The documents whose turn has come, of the owners of some documents.

    Args:
        session: the caller's transaction.
        document_ids: whose owners are meant.
        at_once: how many documents of an owner may have a job, for each worker that lives.
        asked: of these, jobs that were put off do not count: their owner wants them read now.
        ending: the id of a job that does not count any more.
    """
    keys = {
        "task": INGEST_TASK,
        "alive": STALLED_AFTER_SECONDS,
        "documents": list(document_ids),
        "at_once": at_once,
        "asked": list(asked),
        "ending": ending,
        "statuses": ["queued"],
    }
    return (await session.scalars(_NEXT_OF_SOME, keys)).all()


async def next_of_all(session: AsyncSession, at_once: int) -> Sequence[int]:
    """The same for all owners; also documents that seem to be read while no job is about them."""
    keys = {
        "task": INGEST_TASK,
        "alive": STALLED_AFTER_SECONDS,
        "at_once": at_once,
        "asked": [],
        "ending": 0,
        "statuses": ["queued", "processing"],
    }
    return (await session.scalars(_NEXT_OF_ALL, keys)).all()


# Passing over what others hold: two that tell the same must not wait for each other.
_TELL = text(
    """
    UPDATE document SET error_code = :code, error_detail = :detail, updated_at = now()
    WHERE id IN (
        SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id
        LEFT JOIN embedding_space s ON s.id = c.space_id
        WHERE d.status = 'queued' AND d.error_code IS DISTINCT FROM :code
          AND ((s.provider = :provider AND s.model = :model) OR (s.id IS NULL AND :is_configured))
        FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    """
)
_UNTELL = text(
    """
    UPDATE document SET error_code = NULL, error_detail = NULL, updated_at = now()
    WHERE id IN (
        SELECT d.id FROM document d JOIN collection c ON c.id = d.collection_id
        LEFT JOIN embedding_space s ON s.id = c.space_id
        WHERE d.status = 'queued' AND d.error_code IS NOT NULL
          AND coalesce(s.provider, :provider) || ' ' || coalesce(s.model, :model)
              <> ALL(CAST(:paused AS text[]))
        FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    """
)


async def tell_waiting(
    session: AsyncSession,
    model: tuple[str, str],
    error: tuple[str, str],
    *,
    is_configured: bool,
) -> None:
    """Tell the owners of documents that wait for an embedder why.

    Args:
        session: the caller's transaction.
        model: provider and model of the embedder.
        error: code and sentence.
        is_configured: whether it is the one of collections without a space.
    """
    provider, name = model
    code, detail = error
    keys = {"provider": provider, "model": name, "is_configured": is_configured}
    await session.execute(_TELL, {**keys, "code": code, "detail": detail})


async def untell_waiting(
    session: AsyncSession, configured: tuple[str, str], paused: Sequence[tuple[str, str]]
) -> None:
    """Let documents be read again whose embedder is not paused any more."""
    provider, model = configured
    names = [" ".join(one) for one in paused]
    await session.execute(_UNTELL, {"provider": provider, "model": model, "paused": names})
