"""A look at the database: all in one snapshot, so that what others change meanwhile is whole.

On one million passages a look takes the time of reading them once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.db import Sessions
from aiconvokit.operations.check import passage_queries, row_queries
from aiconvokit.operations.check.kinds import EXAMPLES, Found, Kind
from ingestion.tables import EmbeddingSpace

KINDS = (*row_queries.KINDS, *passage_queries.KINDS)

_ONE_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
# A look may take long, its sorts should stay in memory, and both halves of a join of partitions are
# partitioned alike.
_SETTINGS = text(
    """
    SELECT set_config('statement_timeout', '0', true), set_config('work_mem', '128MB', true),
           set_config('max_parallel_workers_per_gather', '2', true),
           set_config('enable_partitionwise_join', 'on', true),
           set_config('enable_partitionwise_aggregate', 'on', true)
    """
)
_NO_VECTORS = "SELECT NULL::smallint AS space_id, 0::bigint AS collection_id, 0::bigint AS chunk_id"
_LOOK = """
WITH seen AS MATERIALIZED ({}), found AS MATERIALIZED (
    SELECT * FROM seen AS one(key, named)
    WHERE CAST(:only AS bigint[]) IS NULL OR key = ANY(:only)
)
SELECT (SELECT count(*) FROM found),
       (SELECT array_agg(named) FROM (SELECT named FROM found LIMIT :most) AS few),
       (SELECT array_agg(DISTINCT key) FROM found)
"""


async def look(sessions: Sessions, before: Mapping[str, Found] | None = None) -> list[Found]:
    """What is wrong now.

    Args:
        sessions: of the owner role.
        before: what an earlier look found, by kind; only that is looked for again.
    """
    async with sessions() as session:
        await session.execute(_ONE_SNAPSHOT)
        await session.execute(_SETTINGS)
        vectors = await _vectors(session)
        await session.execute(text(passage_queries.SUMMARY))
        await session.execute(text("ANALYZE check_document"))
        found = []
        for kind in KINDS:
            if before is not None and kind.name not in before:
                continue
            only = None if before is None else list(before[kind.name].keys)
            one = await _look_for(session, kind, vectors, only)
            if one.count:
                found.append(one)
        await session.rollback()
    return found


async def _look_for(
    session: AsyncSession, kind: Kind, vectors: str, only: Sequence[Any] | None
) -> Found:
    statement = _LOOK.format(kind.sql.replace("{vectors}", vectors))
    keys = {"only": only, "most": EXAMPLES}
    count, examples, found = (await session.execute(text(statement), keys)).one()
    return Found(kind, count, examples or (), found or ())


async def _vectors(session: AsyncSession) -> str:
    """All vectors, as the statements want them; a table that is gone has none."""
    spaces = await session.scalars(
        select(EmbeddingSpace.id).where(
            text("to_regclass('vec_' || embedding_space.id) IS NOT NULL")
        )
    )
    parts = [
        f"SELECT {space_id:d}::smallint AS space_id, collection_id, chunk_id FROM vec_{space_id:d}"  # noqa: S608  # our names
        for space_id in spaces
    ]
    return " UNION ALL ".join(parts) or f"{_NO_VECTORS} WHERE false"
