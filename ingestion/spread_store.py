"""How far the cosines of an embedding space spread: one standard deviation, measured once."""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.tables import EmbeddingSpace

SAMPLE = 100
ENOUGH = 50
"""Passages whose cosines among each other tell how far those of a space spread: 4,950 pairs, or at
least 1,225."""
QUESTIONS_SPREAD = 0.72
"""How far the cosines of questions and passages spread against those of passages among themselves:
multilingual-e5-small has .017 against .0235, on contracts as on filings."""

_MEASURE_SPREAD = """
UPDATE embedding_space SET cosine_sd = :share * found.sd
FROM (
    WITH sample AS MATERIALIZED (
        SELECT chunk_id, embedding FROM {vectors} WHERE collection_id = :collection
        ORDER BY md5(CAST(chunk_id AS text)) LIMIT :sample
    )
    SELECT stddev(1 - (a.embedding <=> b.embedding)) AS sd, (SELECT count(*) FROM sample) AS size
    FROM sample a JOIN sample b ON a.chunk_id < b.chunk_id
) AS found
WHERE id = :space AND found.size >= :enough
"""


async def measure_spread(session: AsyncSession, space_id: int, collection_id: int) -> None:
    """Note once how far a space's cosines spread, by the first collection that is large enough."""
    known = select(EmbeddingSpace.cosine_sd).where(EmbeddingSpace.id == space_id)
    if await session.scalar(known) is not None:
        return
    keys = {
        "space": space_id,
        "collection": collection_id,
        "sample": SAMPLE,
        "enough": ENOUGH,
        "share": QUESTIONS_SPREAD,
    }
    await session.execute(text(_MEASURE_SPREAD.format(vectors=f"vec_{space_id:d}")), keys)
