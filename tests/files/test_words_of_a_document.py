"""The words of a document, weighed all at once, are those that the database's function weighs."""

from aiconvokit.services import Services
from support.reading import collection, column, owner, read, row, upload

# Any two of so many words: 2 in 10,000,000,000 that there are none.
CLASH = """
SELECT string_agg(word, ' ') FROM (SELECT 'w' || n AS word FROM generate_series(1, 160000) n) AS w
GROUP BY lexeme_dimension(word) HAVING count(*) > 1 LIMIT 1
"""


async def test_words_are_weighed_as_the_function_weighs_them(services: Services) -> None:
    (clash,) = await column(services, CLASH)
    assert len(clash.split()) > 1
    texts = {
        "plain.txt": "Rent, rent and heating are due in May. " * 20,
        "clash.txt": f"{clash} {clash.split()[0]} are words that share a dimension.",
        "long.txt": " ".join(f"x{n}" for n in range(3_000)),
    }
    ann = await owner(services, "ann")
    house = await collection(services, ann)
    files = {name: text.encode() for name, text in texts.items()}
    for document in await upload(services, ann, house, files):
        await read(services, document)
    assert await column(services, "SELECT DISTINCT status FROM document") == ["ready"]
    other = """
        SELECT count(*) FILTER (WHERE bm25.weights::text <> bm25_weights(tsv)::text), count(*)
        FROM chunk JOIN bm25 ON bm25.collection_id = chunk.collection_id AND chunk_id = chunk.id
    """
    (passages,) = await column(services, "SELECT count(*) FROM chunk")
    assert await row(services, other) == (0, passages)
    counts = """
        SELECT count(*) FROM lexeme FULL JOIN (
            SELECT one.lexeme, count(*) AS chunks FROM chunk, unnest(tsv) AS one GROUP BY 1
        ) AS counted USING (lexeme) WHERE lexeme.chunks IS DISTINCT FROM counted.chunks
    """
    assert await row(services, counts) == (0,)
