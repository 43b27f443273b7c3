"""What must not be in passages, their vectors and their words: a statement for each.

Each gives rows `(key, named)`: the key is a collection's id where the kind says so, else a
document's. They read `check_document`, a row for each document with passages (see `SUMMARY`), so
that the passages themselves, which are wide, are read once. `vectors` is all spaces' vectors as
`(space_id, collection_id, chunk_id)`. A document in work is none of theirs: it is whole again once
it was read.
"""

from aiconvokit.operations.check.kinds import Kind, Repair

SUMMARY_TABLE = "check_document"
SUMMARY = """
CREATE TEMPORARY TABLE check_document ON COMMIT DROP AS
SELECT collection_id, document_id, count(*) AS passages, count(DISTINCT ordinal) AS ordinals,
       min(ordinal) AS first, max(ordinal) AS last, min(version) AS oldest, max(version) AS newest,
       max(page) AS last_page, min(page) AS first_page, sum(length(tsv)) AS words
FROM chunk GROUP BY collection_id, document_id
"""

PASSAGES_WITHOUT_DOCUMENT = Kind(
    "passages_without_document",
    "Passages whose document or collection is gone.",
    Repair.INDEX_WORDS,
    """
    SELECT s.collection_id, format('document %s in collection %s', s.document_id, s.collection_id)
    FROM check_document s
    LEFT JOIN document d ON d.id = s.document_id AND d.collection_id = s.collection_id
    WHERE d.id IS NULL
    """,
)
VECTORS_WITHOUT_PASSAGE = Kind(
    "vectors_without_passage",
    "Vectors whose passage is gone.",
    Repair.CLEAR_PASSAGES,
    """
    SELECT v.collection_id,
           format('passage %s in collection %s, space %s', v.chunk_id, v.collection_id, v.space_id)
    FROM ({vectors}) v
    WHERE NOT EXISTS (
        SELECT FROM chunk c WHERE c.collection_id = v.collection_id AND c.id = v.chunk_id)
    """,
)
# A reindexing turns a collection over first, and deletes what it left behind then.
VECTORS_OF_OTHER_SPACES = Kind(
    "vectors_of_other_spaces",
    "Vectors of an embedding model that their collection does not use.",
    Repair.CLEAR_PASSAGES,
    """
    SELECT v.collection_id, format('collection %s, space %s', v.collection_id, v.space_id)
    FROM (SELECT DISTINCT space_id, collection_id FROM ({vectors}) every) v
    JOIN collection c ON c.id = v.collection_id
    WHERE v.space_id IS DISTINCT FROM c.space_id
      AND v.space_id IS DISTINCT FROM c.next_space_id
      AND v.space_id IS DISTINCT FROM c.previous_space_id
    """,
    in_steps=True,
)
PASSAGES_WITHOUT_VECTOR = Kind(
    "passages_without_vector",
    "Passages without a vector in the space that their collection is searched in.",
    Repair.READ_AGAIN,
    """
    SELECT c.document_id, format('passage %s of document %s', c.id, c.document_id)
    FROM (
        SELECT c.collection_id, c.id FROM chunk c
        JOIN collection o ON o.id = c.collection_id
        WHERE NOT EXISTS (
            SELECT FROM ({vectors}) v
            WHERE v.collection_id = c.collection_id AND v.chunk_id = c.id
              AND v.space_id = o.space_id)
        OFFSET 0
    ) AS bare
    JOIN chunk c ON c.collection_id = bare.collection_id AND c.id = bare.id
    JOIN document d ON d.id = c.document_id
    WHERE d.status IN ('ready', 'failed')
    """,
)
WORDS_WITHOUT_PASSAGE = Kind(
    "words_without_passage",
    "Indexed words whose passage is gone.",
    Repair.INDEX_WORDS,
    """
    SELECT b.collection_id, format('passage %s in collection %s', b.chunk_id, b.collection_id)
    FROM bm25 b
    WHERE NOT EXISTS (
        SELECT FROM chunk c WHERE c.collection_id = b.collection_id AND c.id = b.chunk_id)
    """,
)
PASSAGES_WITHOUT_WORDS = Kind(
    "passages_without_words",
    "Passages whose words are not indexed.",
    Repair.INDEX_WORDS,
    """
    SELECT c.collection_id, format('passage %s in collection %s', c.id, c.collection_id)
    FROM chunk c
    WHERE NOT EXISTS (
        SELECT FROM bm25 b WHERE b.collection_id = c.collection_id AND b.chunk_id = c.id)
    """,
)
# Sums: to count every word of a million passages takes minutes, and what goes wrong with counts
# that are kept in the passages' own transaction does not make up for itself.
LEXEME_COUNTS = Kind(
    "lexeme_counts",
    "Collections whose counts of words are not those of their passages.",
    Repair.INDEX_WORDS,
    """
    SELECT coalesce(l.collection_id, s.collection_id),
           format('collection %s', coalesce(l.collection_id, s.collection_id))
    FROM (SELECT collection_id, sum(chunks) AS words, min(chunks) AS fewest
          FROM lexeme GROUP BY collection_id) l
    FULL JOIN (SELECT collection_id, sum(words) AS words
               FROM check_document GROUP BY collection_id) s USING (collection_id)
    WHERE coalesce(l.words, 0) <> coalesce(s.words, 0) OR l.fewest < 1
    """,
)
# Every passage up to a collection's last block stands in one block.
WORD_BLOCKS = Kind(
    "word_blocks",
    "Blocks of words that are not those of their collection's passages.",
    Repair.INDEX_WORDS,
    """
    WITH slot AS (
        SELECT b.collection_id, b.number, one.chunk_id, one.document_id
        FROM lexical_block b, unnest(b.chunk_ids, b.document_ids) AS one(chunk_id, document_id)
        WHERE one.chunk_id IS NOT NULL OR one.document_id IS NOT NULL
    ), held AS (
        SELECT b.collection_id, b.number, b.live,
               (SELECT count(*) FROM slot s
                WHERE s.collection_id = b.collection_id AND s.number = b.number) AS slots
        FROM lexical_block b
    ), wrong AS (
        SELECT collection_id FROM held WHERE live <> slots
        UNION ALL
        SELECT s.collection_id FROM slot s
        LEFT JOIN bm25 w ON w.collection_id = s.collection_id AND w.chunk_id = s.chunk_id
        WHERE w.document_id IS DISTINCT FROM s.document_id
        UNION ALL
        SELECT e.collection_id
        FROM (SELECT collection_id, max(last_chunk_id) AS last, sum(live) AS live
              FROM lexical_block GROUP BY collection_id) e
        JOIN bm25 w ON w.collection_id = e.collection_id AND w.chunk_id <= e.last
        GROUP BY e.collection_id, e.live HAVING count(*) <> e.live
        UNION ALL
        SELECT coalesce(b.collection_id, c.collection_id)
        FROM (SELECT collection_id, number FROM lexical_block WHERE live > 0) b
        FULL JOIN (SELECT DISTINCT collection_id, block AS number FROM lexical_column) c
            USING (collection_id, number)
        LEFT JOIN lexical_block whole
            ON whole.collection_id = c.collection_id AND whole.number = c.number
        WHERE c.number IS NULL OR whole.number IS NULL
    )
    SELECT DISTINCT collection_id, format('collection %s', collection_id) FROM wrong
    """,
)
COLLECTION_COUNTS = Kind(
    "collection_counts",
    "Collections whose number of passages is not the stored one.",
    Repair.CLEAR_PASSAGES,
    """
    SELECT c.id, format('collection %s', c.id) FROM collection c
    LEFT JOIN (SELECT collection_id, sum(passages) AS passages
               FROM check_document GROUP BY collection_id) s ON s.collection_id = c.id
    WHERE c.chunk_count <> coalesce(s.passages, 0)
    """,
)
DOCUMENT_COUNTS = Kind(
    "document_counts",
    "Documents whose number of passages is not the stored one.",
    Repair.READ_AGAIN,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    LEFT JOIN check_document s ON s.collection_id = d.collection_id AND s.document_id = d.id
    WHERE d.status IN ('ready', 'failed') AND d.ready_version IS NOT NULL
      AND d.chunk_count <> coalesce(s.passages, 0)
    """,
)
DUPLICATE_ORDINALS = Kind(
    "ordinals",
    "Documents whose passages are not numbered one after the other.",
    Repair.READ_AGAIN,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    JOIN check_document s ON s.collection_id = d.collection_id AND s.document_id = d.id
    WHERE d.status IN ('ready', 'failed')
      AND (s.ordinals <> s.passages OR s.first <> 0 OR s.last <> s.passages - 1)
    """,
)
FOREIGN_VERSIONS = Kind(
    "passages_of_other_versions",
    "Documents with passages of a version that is not the searched one.",
    Repair.READ_AGAIN,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    JOIN check_document s ON s.collection_id = d.collection_id AND s.document_id = d.id
    WHERE d.status IN ('ready', 'failed')
      AND (s.oldest IS DISTINCT FROM d.ready_version OR s.newest IS DISTINCT FROM d.ready_version)
    """,
)
MISSING_PAGES = Kind(
    "pages_missing",
    "Documents that are searched and lack pages.",
    Repair.READ_AGAIN,
    """
    SELECT d.id, format('document %s', d.id) FROM document d
    LEFT JOIN check_document s ON s.collection_id = d.collection_id AND s.document_id = d.id
    LEFT JOIN LATERAL (
        SELECT count(*) AS pages, min(number) AS first, max(number) AS last FROM page p
        WHERE p.document_id = d.id AND p.version = d.ready_version) p ON true
    WHERE d.status IN ('ready', 'failed') AND d.ready_version IS NOT NULL AND (
        p.pages IS DISTINCT FROM d.page_count
        OR p.pages > 0 AND (p.first <> 1 OR p.last <> p.pages)
        OR s.first_page < 1 OR s.last_page > p.pages)
    """,
)

KINDS = (
    PASSAGES_WITHOUT_DOCUMENT,
    VECTORS_WITHOUT_PASSAGE,
    VECTORS_OF_OTHER_SPACES,
    PASSAGES_WITHOUT_VECTOR,
    WORDS_WITHOUT_PASSAGE,
    PASSAGES_WITHOUT_WORDS,
    LEXEME_COUNTS,
    WORD_BLOCKS,
    COLLECTION_COUNTS,
    DOCUMENT_COUNTS,
    DUPLICATE_ORDINALS,
    FOREIGN_VERSIONS,
    MISSING_PAGES,
)
