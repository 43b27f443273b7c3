"""What must not be in documents, files, answers and their kept copies: a statement for each.

Each gives rows `(key, named)`; the key is the id of what `named` says first.
"""

from aiconvokit.accounts import idempotency_store
from aiconvokit.files import old_page_queries
from aiconvokit.jobs import STALLED_AFTER_SECONDS
from aiconvokit.operations.check.kinds import Kind, Repair
from aiconvokit.operations.transfer.putting_queries import LOCK
from aiconvokit.operations.transfer.rows import IMPORTING

# What a worker sweeps now and then is wrong only where none lives.
_NO_WORKER = f"""
NOT EXISTS (SELECT FROM procrastinate_workers
            WHERE last_heartbeat > now() - interval '{STALLED_AFTER_SECONDS} seconds')
"""

SPACES_WITHOUT_TABLE = Kind(
    "spaces_without_table",
    "Embedding spaces whose table of vectors is gone.",
    Repair.NONE,
    """
    SELECT id, format('space %s', id) FROM embedding_space
    WHERE to_regclass('vec_' || id) IS NULL
    """,
)
READY_OR_NOT = Kind(
    "ready_or_not",
    "Documents that are said to be ready and are not.",
    Repair.READ_AGAIN,
    """
    SELECT id, format('document %s', id) FROM document
    WHERE status = 'ready' AND ready_version IS DISTINCT FROM version
    """,
)
NOT_SAID_READY = Kind(
    "not_said_ready",
    "Documents that are ready and are not said to be.",
    Repair.MARK_READY,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    WHERE d.status <> 'ready' AND d.ready_version = d.version AND NOT EXISTS (
        SELECT FROM procrastinate_jobs j WHERE j.status IN ('todo', 'doing')
          AND j.lock = 'document:' || d.id)
    """,
    in_steps=True,
)
# No worker takes them up. An import that lives has its lock.
HALF_IMPORTED = Kind(
    "documents_half_imported",
    "Documents that an import left on their way in.",
    Repair.IMPORT,
    f"""
    SELECT id, format('document %s', id) FROM document
    WHERE error_code = '{IMPORTING}' AND NOT EXISTS (
        SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 1
          AND CAST(l.classid AS bigint) << 32 | CAST(l.objid AS bigint) = {LOCK})
    """,  # noqa: S608  # ours, above
    in_steps=True,
)
# An owner has jobs for a few documents, and the others wait behind them (`files.feeding`); what
# waits for an embedder has its error. A worker queues what was lost within seconds.
WITHOUT_JOB = Kind(
    "documents_without_job",
    "Documents that wait to be read while no job would come to them.",
    Repair.QUEUE,
    f"""
    WITH job AS MATERIALIZED (
        SELECT d.id, c.owner_id
        FROM procrastinate_jobs j
        JOIN document d ON d.id = CAST(j.args ->> 'document_id' AS bigint)
        JOIN collection c ON c.id = d.collection_id
        WHERE j.status IN ('todo', 'doing') AND j.args ->> 'document_id' IS NOT NULL
    )
    SELECT d.id, format('document %s', d.id)
    FROM document d JOIN collection c ON c.id = d.collection_id
    WHERE d.ready_version IS DISTINCT FROM d.version AND (
        d.status = 'processing' AND d.id NOT IN (SELECT id FROM job)
           AND d.error_code IS DISTINCT FROM '{IMPORTING}'
        OR d.status = 'queued' AND d.error_code IS NULL
           AND c.owner_id NOT IN (SELECT owner_id FROM job))
    """,  # noqa: S608  # ours, above
    in_steps=True,
)
STAGE = Kind(
    "staged_passages",
    "Documents that nobody reads, with passages on their way in.",
    Repair.CLEAR_STAGE,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    WHERE d.status IN ('ready', 'failed')
      AND EXISTS (SELECT FROM chunk_stage s WHERE s.document_id = d.id)
    """,
    in_steps=True,
)
# Those that an answer cites stay, and for a while those that an answer in work may cite: see
# `files.old_pages`, which removes the others.
OLD_PAGES = Kind(
    "pages_of_old_versions",
    "Documents with pages of a version that is not searched, and that no answer cites.",
    Repair.REMOVE_PAGES,
    f"""
    SELECT p.document_id, format('document %s, version %s', p.document_id, p.version)
    FROM (SELECT DISTINCT document_id, version FROM page) p
    JOIN document d ON d.id = p.document_id
    WHERE p.version IS DISTINCT FROM d.ready_version AND p.version <> d.version
      AND d.updated_at < now() - {old_page_queries.KEPT} AND {_NO_WORKER}
      AND NOT EXISTS (
        SELECT FROM message m WHERE m.citations @> jsonb_build_array(
            jsonb_build_object('document_id', p.document_id, 'version', p.version)))
    """,  # noqa: S608  # ours, above
)
FILES_WITHOUT_DOCUMENT = Kind(
    "files_without_document",
    "Files that came with documents, all of which are gone.",
    Repair.REMOVE_FILES,
    """
    SELECT f.id, format('file %s', f.id) FROM file f
    WHERE f.purpose IS NULL AND NOT EXISTS (SELECT FROM document d WHERE d.file_id = f.id)
    """,
)
ANSWERS_OF_DELETED = Kind(
    "answers_of_deleted_documents",
    "Answers that cite a deleted document and still have their words.",
    Repair.REDACT,
    """
    SELECT cited.id, format('document %s in message %s', cited.id, m.id)
    FROM message m, jsonb_array_elements(m.citations) AS one,
         CAST(one ->> 'document_id' AS bigint) AS cited(id)
    WHERE m.status <> 'redacted' AND m.citations IS NOT NULL
      AND NOT EXISTS (SELECT FROM document d WHERE d.id = cited.id)
    """,
)
RECEIPTS_OF_DELETED = Kind(
    "receipts_of_deleted_documents",
    "Receipts with words of a deleted document.",
    Repair.REDACT,
    """
    SELECT held.id, format('document %s in the receipt of message %s', held.id, r.message_id)
    FROM receipt r, unnest(r.document_ids) AS held(id)
    WHERE NOT EXISTS (SELECT FROM document d WHERE d.id = held.id)
    """,
)
# A running server frees what a dead process held within a minute; a stopped one does not.
STALE_LEASES = Kind(
    "stale_leases",
    "Chats that are held for an answer whose process is gone.",
    Repair.END_TURNS,
    """
    SELECT id, format('thread %s', id) FROM thread
    WHERE lease_token IS NOT NULL AND lease_expires_at < now() - interval '2 minutes'
    """,
)
UNFINISHED_ANSWERS = Kind(
    "unfinished_answers",
    "Answers that are said to be in work while nobody holds their chat.",
    Repair.END_TURNS,
    """
    SELECT t.id, format('thread %s, message %s', t.id, m.id)
    FROM message m JOIN thread t ON t.id = m.thread_id
    WHERE m.status = 'in_progress' AND t.lease_token IS NULL
    """,
)
# As with leases: a worker takes up what a dead one held within a minute.
STALLED_JOBS = Kind(
    "stalled_jobs",
    "Jobs that are held by a worker that is gone.",
    Repair.RESCUE,
    """
    SELECT j.id, format('job %s', j.id)
    FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing'
      AND coalesce(w.last_heartbeat, '-infinity') < now() - interval '2 minutes'
      AND NOT EXISTS (
        SELECT FROM procrastinate_events e
        WHERE e.job_id = j.id AND e.type = 'started' AND e.at > now() - interval '2 minutes')
    """,
    in_steps=True,
)
# Runs may answer twice, and say something beside calls of functions; clients may put words into an
# assistant's mouth (then no model is named), and the question between two answers may have been
# deleted.
TWO_ANSWERS = Kind(
    "two_answers",
    "Questions with more than one answer.",
    Repair.NONE,
    """
    SELECT m.id, format('message %s in thread %s', m.id, m.thread_id)
    FROM (
        SELECT m.id, m.thread_id, m.role, m.model, t.owner_id,
               lag(m.role) OVER earlier AS last_role, lag(m.model) OVER earlier AS last_model,
               lag(m.id) OVER earlier AS last_id
        FROM message m JOIN thread t ON t.id = m.thread_id
        WINDOW earlier AS (PARTITION BY m.thread_id ORDER BY m.id)
    ) m
    WHERE m.role = 'assistant' AND m.last_role = 'assistant'
      AND m.model IS NOT NULL AND m.last_model IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM run r WHERE r.thread_id = m.thread_id AND (
            r.message_id IN (m.id, m.last_id)
            OR r.parameters @> jsonb_build_object(
                'rounds', jsonb_build_array(jsonb_build_object('said', m.last_id)))))
      AND NOT EXISTS (
        SELECT FROM deletion d WHERE d.owner_id = m.owner_id AND d.kind = 'message'
          AND d.object_id BETWEEN m.last_id AND m.id)
    """,
)
FOREIGN_OWNERS = Kind(
    "owners",
    "Documents, assistants and chats that are joined with something of another user's.",
    Repair.NONE,
    """
    SELECT d.id, format('document %s, file %s', d.id, f.id)
    FROM document d JOIN collection c ON c.id = d.collection_id JOIN file f ON f.id = d.file_id
    WHERE f.owner_id <> c.owner_id
    UNION ALL
    SELECT a.id, format('assistant %s, collection %s', a.id, c.id)
    FROM assistant a JOIN assistant_collection l ON l.assistant_id = a.id
    JOIN collection c ON c.id = l.collection_id
    WHERE a.owner_id <> c.owner_id
    UNION ALL
    SELECT t.id, format('thread %s, collection %s', t.id, c.id)
    FROM thread t JOIN collection c ON c.id = t.collection_id
    WHERE t.owner_id <> c.owner_id
    """,
)
# A deletion is written down in its own transaction, and no id is given twice.
DELETED_AND_THERE = Kind(
    "deleted_and_there",
    "Documents, assistants and chats that are there although they were deleted.",
    Repair.NONE,
    """
    WITH gone AS (
        SELECT d.id AS deletion, list.kind, CAST(one AS bigint) AS id
        FROM deletion d, (VALUES ('documents'), ('assistants'), ('chats')) AS list(kind),
             jsonb_array_elements_text(d.removed -> list.kind) AS one
    ), there AS (
        SELECT 'documents' AS kind, id FROM document
        UNION ALL SELECT 'assistants', id FROM assistant
        UNION ALL SELECT 'chats', id FROM chat
    )
    SELECT g.deletion, format('deletion %s: of the %s %s', g.deletion, g.kind, g.id)
    FROM gone g JOIN there USING (kind, id)
    """,
)
# They are kept for a day, and some are removed in every round of the worker.
EXPIRED_ANSWERS = Kind(
    "expired_answers",
    "Answers kept for requests sent again, for longer than a day.",
    Repair.FORGET_ANSWERS,
    f"""
    SELECT owner_id, format('of user %s', owner_id) FROM idempotency
    WHERE created_at < now() - interval '{idempotency_store.KEPT.total_seconds()} seconds'
      AND {_NO_WORKER}
    """,  # noqa: S608  # as above
)

KINDS = (
    SPACES_WITHOUT_TABLE,
    READY_OR_NOT,
    NOT_SAID_READY,
    HALF_IMPORTED,
    WITHOUT_JOB,
    STAGE,
    OLD_PAGES,
    FILES_WITHOUT_DOCUMENT,
    ANSWERS_OF_DELETED,
    RECEIPTS_OF_DELETED,
    STALE_LEASES,
    STALLED_JOBS,
    UNFINISHED_ANSWERS,
    TWO_ANSWERS,
    FOREIGN_OWNERS,
    DELETED_AND_THERE,
    EXPIRED_ANSWERS,
)
