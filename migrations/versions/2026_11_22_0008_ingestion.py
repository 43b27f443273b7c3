"""The ingestion engine: texts that are known, passwords, spaces that are filled and gone back to.

Revision ID: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
-- The first half of the SHA-256 of what was embedded; null: it went in before that was kept.
ALTER TABLE chunk ADD digest uuid;
ALTER TABLE chunk_stage ADD digest uuid;
CREATE INDEX ix_chunk_digest ON chunk (collection_id, digest);

-- What opens the file: to read it, and to draw its pages later on.
ALTER TABLE document ADD password text;

-- The rows of documents are the line in which they wait to be read.
CREATE INDEX ix_document_waiting ON document (collection_id, id)
    WHERE status IN ('queued', 'processing');

-- The space that is being filled to take the place of space_id, and the one before it.
ALTER TABLE collection ADD next_space_id smallint REFERENCES embedding_space (id);
ALTER TABLE collection ADD previous_space_id smallint REFERENCES embedding_space (id);
-- Vectors that went since the index was built: its dead.
ALTER TABLE collection ADD removed_since_indexed bigint NOT NULL DEFAULT 0;
"""

# Postgres keeps samples of what columns hold, also of what was deleted since, until it looks at the
# table again. Nothing is planned by samples of texts.
TEXTS = {
    "page": ["text"],
    "chunk": ["content", "context", "heading", "tsv"],
    "chunk_stage": ["content", "context", "heading", "lexical"],
    "document": ["names"],
    "message": ["content", "citations", "claims"],
    "receipt": ["content"],
    "idempotency": ["body"],
}
FORGET = """
DO $$
DECLARE
    one record;
BEGIN
    IF to_regproc('pg_catalog.pg_clear_attribute_stats') IS NULL THEN
        RETURN;  -- before Postgres 18
    END IF;
    FOR one IN SELECT n.nspname, c.relname, a.attname, s.stainherit
        FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = s.staattnum
        WHERE a.attstattarget = 0
    LOOP
        PERFORM pg_clear_attribute_stats(one.nspname, one.relname, one.attname, one.stainherit);
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute(TABLES)
    for table, columns in TEXTS.items():
        changes = ", ".join(f"ALTER {column} SET STATISTICS 0" for column in columns)
        op.execute(f"ALTER TABLE {table} {changes}")
    op.execute(FORGET)
