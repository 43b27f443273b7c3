"""Turns that are accounted for: time by part, usage by day; kept answers; what servers are like.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE message ADD milliseconds jsonb;
-- A thread of 10,000 messages is asked for the one that was left unfinished.
CREATE INDEX ix_message_in_progress ON message (thread_id) WHERE status = 'in_progress';
CREATE INDEX ix_thread_lease_expires_at ON thread (lease_expires_at)
    WHERE lease_token IS NOT NULL;

-- The assistant is no reference: what was spent stays when it is deleted.
CREATE TABLE usage_day (
    owner_id bigint NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
    day date NOT NULL,
    assistant_id bigint NOT NULL,
    questions bigint NOT NULL,
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    PRIMARY KEY (owner_id, day, assistant_id)
);

-- What an assistant answered so far, on one day: it was counted without days.
INSERT INTO usage_day SELECT owner_id, current_date, id, query_count, 0, 0 FROM assistant
    WHERE query_count > 0;
ALTER TABLE assistant DROP query_count;
CREATE INDEX ix_usage_day_assistant_id ON usage_day (assistant_id);

-- The first answer to a request with an Idempotency-Key; without a status it is in work.
CREATE TABLE idempotency (
    owner_id bigint NOT NULL REFERENCES "user" (id) ON DELETE CASCADE,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    assistant_id bigint,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner_id, key)
);
CREATE INDEX ix_idempotency_created_at ON idempotency (created_at);
CREATE INDEX ix_idempotency_assistant_id ON idempotency (assistant_id);

-- What a model server was found to be like, by probing it or by its refusals.
CREATE TABLE endpoint (
    kind text NOT NULL CHECK (kind IN ('chat', 'embedding')),
    address text NOT NULL,
    model text NOT NULL,
    traits jsonb NOT NULL,
    learnt_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, address, model)
);
"""

# The role is missing where the server lets us create none.
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON usage_day, idempotency, endpoint TO aiconvokit_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GRANTS)
