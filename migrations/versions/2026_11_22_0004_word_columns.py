"""Words of large collections by column; which collections have an index of their vectors.

Revision ID: 0004
"""

from itertools import product

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PARTITIONS = 32
BLOCK = 2048

COLUMNS = "ALTER TABLE collection ADD indexed_space_id smallint REFERENCES embedding_space (id)"

# The lexical leg of large collections (docs/decisions/0005): chunks in blocks of 2,048 by id, and
# for each block and dimension of `bm25` the weights of all its chunks. A block's scores are then a
# sum of vectors. The slots of chunks that went are NULL in both arrays.
TABLES = """
CREATE AGGREGATE vector_total(vector) (SFUNC = vector_add, STYPE = vector, PARALLEL = SAFE);

CREATE TABLE lexical_block (
    collection_id bigint NOT NULL REFERENCES collection (id) ON DELETE CASCADE,
    number integer NOT NULL,
    last_chunk_id bigint NOT NULL,
    live integer NOT NULL,
    chunk_ids bigint[] NOT NULL,
    document_ids bigint[] NOT NULL,
    PRIMARY KEY (collection_id, number)
) PARTITION BY HASH (collection_id);

CREATE TABLE lexical_column (
    collection_id bigint NOT NULL,
    block integer NOT NULL,
    dimension integer NOT NULL,
    weights sparsevec NOT NULL,
    PRIMARY KEY (collection_id, block, dimension)
) PARTITION BY HASH (collection_id);
"""

# The weights as before, in float8: as numeric they took ten times as long.
WEIGHTS = """
CREATE OR REPLACE FUNCTION bm25_weights(words tsvector) RETURNS sparsevec
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CAST('{' || coalesce(string_agg(dimension || ':' || weight, ',' ORDER BY dimension), '')
                || '}/536870912' AS sparsevec)
    FROM (
        SELECT lexeme_dimension(lexeme) AS dimension,
               max(CAST(tf * float8 '2.2' / (tf + size) AS real)) AS weight
        FROM (SELECT float8 '0.3' + float8 '0.009' * length(words)) AS passage(size),
             unnest(words), cardinality(positions) AS tf
        GROUP BY 1 ORDER BY weight DESC LIMIT 900
    ) AS weighted
$$;
"""

# As `ingestion.lexical_store` makes them.
NEXT_BLOCK = """
INSERT INTO lexical_block (collection_id, number, last_chunk_id, live, chunk_ids, document_ids)
SELECT :collection, :number, max(chunk_id), count(*), array_agg(chunk_id ORDER BY chunk_id),
       array_agg(document_id ORDER BY chunk_id)
FROM (SELECT chunk_id, document_id FROM bm25
      WHERE collection_id = :collection AND chunk_id > :after
      ORDER BY chunk_id LIMIT :size) AS next
HAVING count(*) = :size
RETURNING last_chunk_id
"""
COLUMNS_OF_BLOCK = """
INSERT INTO lexical_column (collection_id, block, dimension, weights)
SELECT :collection, :number, dimension,
       CAST('{' || string_agg(slot || ':' || weight, ',') || '}/2048' AS sparsevec)
FROM (
    SELECT slots.slot, CAST(split_part(one, ':', 1) AS integer) AS dimension,
           split_part(one, ':', 2) AS weight
    FROM lexical_block b, unnest(b.chunk_ids) WITH ORDINALITY AS slots(chunk_id, slot),
         bm25,
         string_to_table(substr(split_part(CAST(bm25.weights AS text), '}', 1), 2), ',') AS one
    WHERE b.collection_id = :collection AND b.number = :number
      AND bm25.collection_id = :collection AND bm25.chunk_id = slots.chunk_id AND one <> ''
) AS weighted
GROUP BY dimension ORDER BY dimension
"""

# The role is missing where the server lets us create none.
GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aiconvokit_app') THEN
        GRANT SELECT, UPDATE, DELETE ON lexical_block TO aiconvokit_app;
        GRANT SELECT, DELETE ON lexical_column TO aiconvokit_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(WEIGHTS)
    op.execute(TABLES)
    for table, leaf in product(("lexical_block", "lexical_column"), range(PARTITIONS)):
        op.execute(
            f"CREATE TABLE {table}_p{leaf} PARTITION OF {table} "
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {leaf})"
        )
    op.execute(GRANTS)
    fill()


def fill() -> None:
    """The blocks of collections that are large enough."""
    bind = op.get_bind()
    large = "SELECT collection_id FROM bm25 GROUP BY 1 HAVING count(*) >= :size"
    for (collection,) in bind.execute(text(large), {"size": BLOCK}).all():
        keys = {"collection": collection, "size": BLOCK, "number": 1, "after": 0}
        while last := bind.execute(text(NEXT_BLOCK), keys).scalar():
            bind.execute(text(COLUMNS_OF_BLOCK), keys)
            keys |= {"number": keys["number"] + 1, "after": last}
