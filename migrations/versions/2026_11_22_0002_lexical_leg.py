"""The lexical leg as sparse vectors; names, attributes, glossaries and receipts.

Revision ID: 0002
"""

from itertools import product

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PARTITIONS = 32

# What is staged has no `lexical` yet: documents in work are read once more.
COLUMNS = """
ALTER TABLE embedding_space ADD cosine_sd double precision;
ALTER TABLE collection DROP lexeme_count;
ALTER TABLE document DROP lexeme_count,
    ADD attributes jsonb NOT NULL DEFAULT '{}',
    ADD names tsvector NOT NULL DEFAULT '';
DELETE FROM chunk_stage;
ALTER TABLE chunk_stage ADD lexical text NOT NULL;
ALTER TABLE assistant ADD glossary jsonb;
DROP INDEX ix_chunk_tsv;

CREATE TABLE receipt (
    message_id bigint PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    document_ids bigint[] NOT NULL,
    content jsonb NOT NULL
);
-- Which receipts hold text of a document that is deleted.
CREATE INDEX ix_receipt_document_ids ON receipt USING gin (document_ids);
"""

# The lexical leg (docs/decisions/0004): a chunk's BM25 weights, k1 1.2 and b .75, as a sparse
# vector, one dimension a lexeme; an inner product with the question's weights is its score.
# Two of a collection's 100,000 lexemes share a dimension about ten times in all.
# 100 lexemes is what passages have on average; one length for all keeps the weights valid for good.
LEXICAL = """
CREATE FUNCTION lexeme_dimension(lexeme text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(hashtext(lexeme) & 536870911 AS integer) + 1;

CREATE FUNCTION bm25_weights(words tsvector) RETURNS sparsevec
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CAST('{' || coalesce(string_agg(dimension || ':' || weight, ',' ORDER BY dimension), '')
                || '}/536870912' AS sparsevec)
    FROM (
        SELECT lexeme_dimension(lexeme) AS dimension,
               max(CAST(tf * 2.2 / (tf + 1.2 * (.25 + .75 * length(words) / 100.0)) AS real))
                   AS weight
        FROM unnest(words), cardinality(positions) AS tf GROUP BY 1
        ORDER BY weight DESC LIMIT 900
    ) AS weighted
$$;

CREATE TABLE bm25 (
    collection_id bigint NOT NULL,
    chunk_id bigint NOT NULL,
    document_id bigint NOT NULL,
    weights sparsevec STORAGE PLAIN NOT NULL,
    PRIMARY KEY (collection_id, chunk_id)
) PARTITION BY HASH (collection_id);

-- In how many of a collection's chunks a lexeme occurs.
CREATE TABLE lexeme (
    collection_id bigint NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    lexeme text NOT NULL,
    chunks bigint NOT NULL,
    PRIMARY KEY (collection_id, lexeme)
) PARTITION BY HASH (collection_id);
"""

INDEX = "CREATE INDEX ix_bm25_document ON bm25 (collection_id, document_id)"

# Passages that are there keep their lexemes; names are made as `ingestion.names` makes them, but
# for the words of CamelCase, which the stored title has.
FILL = """
INSERT INTO bm25 (collection_id, chunk_id, document_id, weights)
SELECT collection_id, id, document_id, bm25_weights(tsv) FROM chunk;

INSERT INTO lexeme (collection_id, lexeme, chunks)
SELECT collection_id, word.lexeme, count(*) FROM chunk, unnest(tsv) AS word GROUP BY 1, 2;

UPDATE document d
SET names = setweight(to_tsvector('simple',
                concat_ws(' ', title, regexp_replace(filename, '[\\W_]+', ' ', 'g'))), 'A')
         || setweight(to_tsvector('simple', coalesce((
                SELECT left(string_agg(p.text, ' ' ORDER BY p.number), 600) FROM page p
                WHERE p.document_id = d.id AND p.version = d.ready_version AND p.number <= 3
            ), '')), 'D')
WHERE ready_version IS NOT NULL;
"""

# The role is missing where the server lets us create none.
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON receipt TO aiconvokit_app;
        GRANT SELECT, UPDATE, DELETE ON lexeme TO aiconvokit_app;
        GRANT SELECT, DELETE ON bm25 TO aiconvokit_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(LEXICAL)
    for table, leaf in product(("bm25", "lexeme"), range(PARTITIONS)):
        op.execute(
            f"CREATE TABLE {table}_p{leaf} PARTITION OF {table} "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {leaf})"
        )
    op.execute(INDEX)
    op.execute(FILL)
    op.execute(GRANTS)
