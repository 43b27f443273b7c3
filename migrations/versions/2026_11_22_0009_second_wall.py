"""The second wall: row-level security by the user for whom the application says it asks.

Revision ID: 0009
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The owner of the tables (worker, maintenance, commands) is not subject to any of this.
# The functions are inlined, or run once a statement; their settings are the application's own
# (aiconvokit.acting). 0 stands at the door: who logs in or registers, a visitor with a key.
FUNCTIONS = """
CREATE FUNCTION acting() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CAST(nullif(current_setting('aiconvokit.acting', true), '') AS bigint) $$;

CREATE FUNCTION shares() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('aiconvokit.shared', true), '') = 'on' $$;

-- Passages and vectors are many: whose they are is asked once, of their collection.
CREATE FUNCTION reached() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CAST(nullif(current_setting('aiconvokit.reached', true), '') AS bigint) $$;

CREATE FUNCTION reach(wanted bigint) RETURNS text
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT set_config('aiconvokit.reached', coalesce((
       SELECT CAST(id AS text) FROM collection
       WHERE id = wanted AND (owner_id = acting() OR shares())), ''), false) $$;

-- Asked by every request before it is known whose it is.
CREATE FUNCTION bearer(
    token_digest bytea, OUT user_id bigint, OUT token_id bigint, OUT is_active boolean,
    OUT name text, OUT last_used_at timestamptz, OUT expires_at timestamptz, OUT digest bytea
) RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1 SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT u.id, t.id, u.is_active, t.name, t.last_used_at, t.expires_at,
          t.digest
   FROM token t JOIN "user" u ON u.id = t.user_id WHERE t.digest = token_digest $$;
"""

OWN = "owner_id = (SELECT acting())"
AT_THE_DOOR = "(SELECT acting()) = 0"
SHARED = "(SELECT shares())"
# An equality, so that it is compared with a statement's own `collection_id = …` once, and not row
# by row: a list cost a search of 20,000 passages a third more.
REACHED = "collection_id = (SELECT reached())"

# What stands in brackets is read under its own table's policies: of a message, its thread's.
POLICIES = {
    '"user"': f"id = (SELECT acting()) OR {AT_THE_DOOR}",
    "token": f"user_id = (SELECT acting()) OR {AT_THE_DOOR}",
    "deletion": OWN,
    "usage_day": OWN,
    "idempotency": OWN,
    "file": OWN,
    "thread": OWN,
    "chat": "EXISTS (SELECT FROM thread t WHERE t.id = thread_id)",
    "message": "EXISTS (SELECT FROM thread t WHERE t.id = thread_id)",
    "run": "EXISTS (SELECT FROM thread t WHERE t.id = thread_id)",
    "receipt": "EXISTS (SELECT FROM message m WHERE m.id = message_id)",
    "assistant_collection": "EXISTS (SELECT FROM assistant a WHERE a.id = assistant_id)",
    "document": "collection_id IN (SELECT c.id FROM collection c)",
    "page": "EXISTS (SELECT FROM document d WHERE d.id = document_id)",
    "chunk_stage": "EXISTS (SELECT FROM document d WHERE d.id = document_id)",
    "file_batch": "collection_id IN (SELECT c.id FROM collection c)",
    "file_batch_document": "EXISTS (SELECT FROM file_batch b WHERE b.id = batch_id)",
    "widget": f"{OWN} OR {AT_THE_DOOR}",
    "widget_session": "EXISTS (SELECT FROM widget w WHERE w.id = widget_id)",
    "widget_chat": "EXISTS (SELECT FROM widget w WHERE w.id = widget_id)",
    "widget_usage": "EXISTS (SELECT FROM widget w WHERE w.id = widget_id)",
    "chunk": REACHED,
    "bm25": REACHED,
    "lexeme": REACHED,
    "lexical_block": REACHED,
    "lexical_column": REACHED,
}
# A server that shares assistants lets everybody ask them: that reads and holds their rows, and puts
# off the end of a collection that expires.
SHARED_POLICIES = f"""
CREATE POLICY reading ON assistant FOR SELECT USING ({OWN} OR {SHARED});
CREATE POLICY holding ON assistant FOR UPDATE USING ({OWN} OR {SHARED}) WITH CHECK ({OWN});
CREATE POLICY making ON assistant FOR INSERT WITH CHECK ({OWN});
CREATE POLICY deleting ON assistant FOR DELETE USING ({OWN});
CREATE POLICY reading ON file FOR SELECT
    USING ({SHARED} AND EXISTS (SELECT FROM document d WHERE d.file_id = file.id));
CREATE POLICY reading ON collection FOR SELECT USING ({OWN} OR {SHARED});
CREATE POLICY holding ON collection FOR UPDATE USING ({OWN} OR {SHARED});
CREATE POLICY making ON collection FOR INSERT WITH CHECK ({OWN});
CREATE POLICY deleting ON collection FOR DELETE USING ({OWN});
"""  # noqa: S608  # ours, above

# As in 0001, with a policy on each new table of vectors.
ENSURE_SPACE = """
CREATE OR REPLACE FUNCTION ensure_embedding_space(p_provider text, p_model text, p_dim integer)
RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    space smallint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('aiconvokit.embedding_space'));
    SELECT id INTO space FROM embedding_space
        WHERE provider = p_provider AND model = p_model AND dim = p_dim;
    IF FOUND THEN
        RETURN space;
    END IF;
    INSERT INTO embedding_space (provider, model, dim)
        VALUES (p_provider, p_model, p_dim) RETURNING id INTO space;
    EXECUTE format('CREATE TABLE vec_%s (
            collection_id bigint NOT NULL,
            chunk_id bigint NOT NULL,
            document_id bigint NOT NULL,
            embedding halfvec(%s) STORAGE PLAIN NOT NULL,
            PRIMARY KEY (collection_id, chunk_id)
        ) PARTITION BY HASH (collection_id)', space, p_dim);
    FOR leaf IN 0..31 LOOP
        EXECUTE format('CREATE TABLE vec_%s_p%s PARTITION OF vec_%s
            FOR VALUES WITH (MODULUS 32, REMAINDER %s)', space, leaf, space, leaf);
    END LOOP;
    EXECUTE format('CREATE INDEX ON vec_%s (collection_id, document_id)', space);
    PERFORM wall_vectors(space);
    RETURN space;
END $$;
"""
WALL_VECTORS = f"""
CREATE FUNCTION wall_vectors(space smallint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE vec_%s ENABLE ROW LEVEL SECURITY', space);
    EXECUTE format('CREATE POLICY own ON vec_%s USING ({REACHED})', space);
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app') THEN
        EXECUTE format('REVOKE ALL ON vec_%s FROM aiconvokit_app', space);
        EXECUTE format('GRANT SELECT ON vec_%s TO aiconvokit_app', space);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION wall_vectors FROM PUBLIC;
SELECT wall_vectors(id) FROM embedding_space;
"""  # noqa: S608  # ours, above

# What is searched is written by the worker, and deleted as the owner (aiconvokit.acting.as_owner).
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app') THEN
        REVOKE ALL ON page, chunk, chunk_stage, bm25, lexeme, lexical_block, lexical_column
            FROM aiconvokit_app;
        GRANT SELECT ON page, chunk, chunk_stage, bm25, lexeme, lexical_block, lexical_column
            TO aiconvokit_app;
        REVOKE EXECUTE ON FUNCTION reach, bearer FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION reach, bearer TO aiconvokit_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for table, rule in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({rule})")
    for table in ("collection", "assistant"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(SHARED_POLICIES)
    op.execute(WALL_VECTORS)
    op.execute(ENSURE_SPACE)
    op.execute(GRANTS)
