"""Statements that move a collection from one embedding space to another.

Its searches and new documents stay in `space_id` while the vectors of `next_space_id` are made;
`switch` turns them over in one UPDATE. The vectors of `previous_space_id` stay for the way back,
until they are forgotten. Vectors in any other space are rests.
"""

from collections.abc import Iterable, Sequence

from pgvector import HalfVector
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from ingestion.language_store import hold_collection
from ingestion.spread_store import measure_spread
from ingestion.tables import Collection, EmbeddingSpace
from ingestion.types import Vectors

MOST_SOURCES = 20
"""Collections of the owner in which a passage of the same words is looked for: the collection
itself and the largest ones. Looking into a thousand takes as long as embedding does."""

_NO_TIMEOUT = text("SET LOCAL statement_timeout = 0")
"""For what grows with the collection."""
_MISSING = """
    FROM chunk c WHERE c.collection_id = :collection AND NOT EXISTS (
        SELECT FROM {vectors} v WHERE v.collection_id = :collection AND v.chunk_id = c.id)
"""
_NEXT = "SELECT c.id, c.context, c.content" + _MISSING + "AND c.id > :after ORDER BY c.id LIMIT :n"
_IS_MISSING = "SELECT EXISTS (SELECT" + _MISSING + ")"
_HOW_MANY = "SELECT count(*) FROM {vectors} WHERE collection_id = :collection"
# By words in the owner's largest collections, whichever file; `stage_store.relatives` goes by file.
_REUSE = """
WITH sources AS MATERIALIZED (
    SELECT id FROM collection
    WHERE owner_id = :owner AND :space IN (space_id, next_space_id, previous_space_id)
    ORDER BY id <> :collection, chunk_count DESC LIMIT :sources
)
INSERT INTO {vectors} (collection_id, chunk_id, document_id, embedding)
SELECT c.collection_id, c.id, c.document_id, known.embedding
FROM chunk c CROSS JOIN LATERAL (
    SELECT v.embedding
    FROM sources s JOIN chunk o ON o.collection_id = s.id AND o.digest = c.digest
        JOIN {vectors} v ON v.collection_id = s.id AND v.chunk_id = o.id
    LIMIT 1
) AS known
WHERE c.collection_id = :collection AND c.id = ANY(:ids)
ON CONFLICT DO NOTHING RETURNING chunk_id
"""
# A passage that went meanwhile gets no vector: whoever takes one out holds the collection, too.
_INSERT = """
INSERT INTO {vectors} (collection_id, chunk_id, document_id, embedding)
SELECT c.collection_id, c.id, c.document_id, CAST(one.embedding AS halfvec)
FROM unnest(CAST(:ids AS bigint[]), CAST(:vectors AS text[])) AS one(id, embedding)
    JOIN chunk c ON c.collection_id = :collection AND c.id = one.id
ON CONFLICT DO NOTHING
"""
_DELETE = """
WITH gone AS (DELETE FROM {vectors} WHERE collection_id = :collection RETURNING 1)
SELECT count(*) FROM gone
"""
_IS_INDEXED = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_IS_USED = text("SELECT EXISTS (SELECT FROM collection WHERE :space IN (space_id, next_space_id))")
_SOON = text("SET LOCAL lock_timeout = '2s'")
_LOCK = "LOCK TABLE {vectors} IN ACCESS EXCLUSIVE MODE"


def _vectors(space_id: int) -> str:
    return f"vec_{space_id:d}"


def _of(statement: str, space_id: int) -> str:
    return statement.format(vectors=_vectors(space_id))


async def spaces(session: AsyncSession) -> dict[int, EmbeddingSpace]:
    """All spaces by id."""
    return {one.id: one for one in await session.scalars(select(EmbeddingSpace))}


async def head_for(session: AsyncSession, collection_ids: Sequence[int], space_id: int) -> None:
    """Note that collections are on their way to a space; those that are in it go nowhere now."""
    following = func.nullif(space_id, Collection.space_id)
    await session.execute(
        update(Collection)
        .where(
            Collection.id.in_(collection_ids),
            Collection.next_space_id.is_distinct_from(following),
        )
        .values(next_space_id=following)
    )


async def how_many(session: AsyncSession, collection_id: int, space_id: int) -> int:
    """How many vectors a collection has in a space."""
    counted = text(_of(_HOW_MANY, space_id))
    return int(await session.scalar(counted, {"collection": collection_id}) or 0)


async def missing(
    session: AsyncSession, collection_id: int, space_id: int, after: int, limit: int
) -> list[tuple[int, str, str]]:
    """Passages behind an id that have no vector in a space: id, context, content."""
    keys = {"collection": collection_id, "after": after, "n": limit}
    rows = await session.execute(text(_of(_NEXT, space_id)), keys)
    return [(row[0], row[1], row[2]) for row in rows]


async def reuse(
    session: AsyncSession, collection_id: int, space_id: int, chunk_ids: Sequence[int]
) -> set[int]:
    """Give passages the vectors of the same words elsewhere with this owner; those that got one."""
    collection = await hold_collection(session, collection_id)
    if collection is None:
        return set()
    keys = {
        "collection": collection_id,
        "owner": collection.owner_id,
        "space": space_id,
        "ids": list(chunk_ids),
        "sources": MOST_SOURCES,
    }
    return set(await session.scalars(text(_of(_REUSE, space_id)), keys))


async def insert(
    session: AsyncSession,
    collection_id: int,
    space_id: int,
    chunk_ids: Sequence[int],
    vectors: Iterable[Vectors],
) -> None:
    """Put in the vectors of passages, in their order; those that went meanwhile are left out."""
    if await hold_collection(session, collection_id) is None:
        return
    keys = {
        "collection": collection_id,
        "ids": list(chunk_ids),
        "vectors": [HalfVector(one).to_text() for one in vectors],
    }
    await session.execute(text(_of(_INSERT, space_id)), keys)


async def switch(session: AsyncSession, collection_id: int, space_id: int, index: str) -> bool:
    """Let searches and new documents of a collection use a space from the commit on.

    Args:
        session: of the owner role.
        collection_id: which one.
        space_id: the space.
        index: the name of the collection's index there, if it has one.

    Returns:
        whether it does now; not while a passage has no vector there.
    """
    collection = await hold_collection(session, collection_id)
    if collection is None or collection.space_id == space_id:
        return True
    await session.execute(_NO_TIMEOUT)
    if await session.scalar(text(_of(_IS_MISSING, space_id)), {"collection": collection_id}):
        return False
    await measure_spread(session, space_id, collection_id)
    is_indexed = await session.scalar(_IS_INDEXED, {"name": index})
    await session.execute(
        update(Collection)
        .where(Collection.id == collection_id)
        .values(
            space_id=space_id,
            previous_space_id=collection.space_id,
            next_space_id=None,
            indexed_space_id=space_id if is_indexed else None,
            removed_since_indexed=0,
        )
    )
    return True


async def with_vectors(session: AsyncSession) -> Sequence[int]:
    """The ids of the spaces whose table is there."""
    is_there = text("to_regclass('vec_' || embedding_space.id) IS NOT NULL")
    found = select(EmbeddingSpace.id).where(is_there).order_by(EmbeddingSpace.id)
    return (await session.scalars(found)).all()


async def kept_spaces(
    session: AsyncSession, collection_ids: Sequence[int], *, way_back: bool
) -> set[tuple[int, int]]:
    """Where `forget_rests` leaves the vectors of collections: (space id, collection id)."""
    found = await session.scalars(select(Collection).where(Collection.id.in_(collection_ids)))
    return {(space_id, one.id) for one in found for space_id in _kept(one, way_back=way_back)}


async def forget_rests(session: AsyncSession, collection_id: int, *, way_back: bool) -> int:
    """Delete a collection's vectors outside of its space and of the one that is being filled.

    Args:
        session: of the owner role.
        collection_id: which one.
        way_back: keep those of the space before, too; else there is none from the commit on.

    Returns:
        how many went.
    """
    collection = await hold_collection(session, collection_id)
    if collection is None:
        return 0
    await session.execute(_NO_TIMEOUT)
    kept = _kept(collection, way_back=way_back)
    gone = 0
    for space_id in await with_vectors(session):
        if space_id not in kept:
            keys = {"collection": collection_id}
            gone += await session.scalar(text(_of(_DELETE, space_id)), keys) or 0
    if not way_back:
        await session.execute(
            update(Collection).where(Collection.id == collection_id).values(previous_space_id=None)
        )
    return gone


def _kept(collection: Collection, *, way_back: bool) -> set[int]:
    before = collection.previous_space_id if way_back else None
    kept = (collection.space_id, collection.next_space_id, before)
    return {one for one in kept if one is not None}


async def empty_unused(session: AsyncSession, space_id: int) -> int:
    """Give the disk of a space's vectors back where no collection is in it or on its way there.

    Args:
        session: of the owner role, in a transaction of its own.
        space_id: the space.

    Returns:
        how many vectors went.

    Raises:
        DBAPIError: of a LockNotAvailable: a search still reads them.
    """
    keys = {"space": space_id}
    if await session.scalar(_IS_USED, keys):  # asked without the lock: searches would wait for it
        return 0
    await session.execute(_NO_TIMEOUT)
    count = await session.scalar(text(_of("SELECT count(*) FROM {vectors}", space_id)))
    await session.execute(_SOON)
    await session.execute(text(_of(_LOCK, space_id)))
    if await session.scalar(_IS_USED, keys):  # somebody came before the lock was ours
        return 0
    await session.execute(text(_of("TRUNCATE {vectors}", space_id)))
    return int(count or 0)
