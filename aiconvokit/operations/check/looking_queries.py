"""Statements of a look: its snapshot, and what it asks of each kind."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.files.tables import StoredFile
from aiconvokit.operations.check import passage_queries
from ingestion import space_store

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


async def begin(session: AsyncSession) -> None:
    """Let all that follows in the transaction see one moment."""
    await session.execute(_ONE_SNAPSHOT)
    await session.execute(_SETTINGS)


async def summarize(session: AsyncSession) -> None:
    """Make the table of what documents have, in the transaction that is to read it."""
    await session.execute(text(passage_queries.SUMMARY))
    await session.execute(text(f"ANALYZE {passage_queries.SUMMARY_TABLE}"))


async def every_vector(session: AsyncSession) -> str:
    """All vectors, as the statements want them; a table that is gone has none."""
    parts = [
        f"SELECT {space_id:d}::smallint AS space_id, collection_id, chunk_id FROM vec_{space_id:d}"  # noqa: S608  # our names
        for space_id in await space_store.with_vectors(session)
    ]
    return " UNION ALL ".join(parts) or f"{_NO_VECTORS} WHERE false"


async def look_for(
    session: AsyncSession, statement: str, only: Sequence[Any] | None, most: int
) -> tuple[int, Sequence[str], Sequence[int]]:
    """How often something is found, some places by name, and the keys of all.

    Args:
        session: whose snapshot is looked at.
        statement: gives `(key, named)` for each place.
        only: keys that are looked for; None: all.
        most: places that are named.
    """
    keys = {"only": only, "most": most}
    row = (await session.execute(text(_LOOK.format(statement)), keys)).one()
    return row[0], row[1] or (), row[2] or ()


async def contents(session: AsyncSession) -> Sequence[bytes]:
    """The digests of all contents that there are rows of."""
    return (await session.scalars(select(StoredFile.sha256).distinct())).all()
