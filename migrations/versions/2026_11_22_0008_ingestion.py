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

-- The space that is being filled to take the place of space_id, and the one before it.
ALTER TABLE collection ADD next_space_id smallint REFERENCES embedding_space (id);
ALTER TABLE collection ADD previous_space_id smallint REFERENCES embedding_space (id);
-- Vectors that went since the index was built: its dead.
ALTER TABLE collection ADD removed_since_indexed bigint NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    op.execute(TABLES)
