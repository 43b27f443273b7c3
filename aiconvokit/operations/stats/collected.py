"""All statistics at once, and what they say of the indexes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from aiconvokit.db import create_engine
from aiconvokit.operations.stats import queries
from aiconvokit.operations.stats.queries import CollectionSize, Database, Jobs, Sizes, Space, Table
from aiconvokit.services import Services
from ingestion import vector_index
from ingestion.index_upkeep import WORTH_FROM
from ingestion.vector_index import VectorIndex, index_name

LARGEST = 10
"""Collections that are shown one by one."""

State = Literal["compared", "indexed", "waits", "broken"]


@dataclass(frozen=True, slots=True)
class Indexed:
    """How the vectors of a collection are searched.

    compared: one by one, it is small. indexed: by its index. waits: it is large enough for one, the
    worker makes it when its documents are read. broken: a build was stopped, and is done again.

    `dead_share` 0..1 of the vectors in the index are gone; the worker makes it anew beyond 7 %.
    """

    state: State
    bytes: int
    dead_share: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """What `aiconvokit stats` shows; `indexes` are those of `largest`, in their order.

    `lost_indexes` are such that nobody uses; the worker drops them.
    """

    database: Database
    sizes: Sizes
    tables: Sequence[Table]
    spaces: Sequence[Space]
    largest: Sequence[CollectionSize]
    indexes: Sequence[Indexed]
    lost_indexes: Sequence[str]
    documents: Mapping[str, int]
    jobs: Sequence[Jobs]


async def collect(services: Services, most: int = LARGEST) -> Statistics:
    """Ask for everything."""
    engine = create_engine(services.database_url, pool_size=1)
    try:
        there = {one.name: one for one in await vector_index.indexes(engine)}
    finally:
        await engine.dispose()
    async with services.owner_sessions() as session:
        largest = await queries.largest(session, most)
        names = [index_name(one.space_id or 0, one.id) for one in largest]
        sizes = await queries.index_bytes(session, names)
        return Statistics(
            database=await queries.database(session),
            sizes=await queries.sizes(session),
            tables=await queries.tables(session),
            spaces=await queries.spaces(session),
            largest=largest,
            indexes=[
                _indexed(one, there.get(name), sizes[name])
                for one, name in zip(largest, names, strict=True)
            ],
            lost_indexes=[one.name for one in there.values() if one.is_rest],
            documents=await queries.documents(session),
            jobs=await queries.jobs(session),
        )


def _indexed(one: CollectionSize, index: VectorIndex | None, size: int) -> Indexed:
    if index is not None and not index.is_valid:
        return Indexed("broken", size, 0.0)
    if index is not None and one.indexed_space_id == one.space_id:
        return Indexed("indexed", size, one.removed / max(1, one.removed + one.passages))
    return Indexed("waits" if one.passages >= WORTH_FROM else "compared", size, 0.0)
