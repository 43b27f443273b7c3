"""Which collections are moved, and how far they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_SELECTED = text(
    """
    SELECT c.id, c.public_id, c.name, u.username,
           ARRAY(SELECT assistant_id FROM assistant_collection a WHERE a.collection_id = c.id
                 ORDER BY 1) AS assistants,
           c.chunk_count, c.space_id, c.next_space_id, c.previous_space_id
    FROM collection c JOIN "user" u ON u.id = c.owner_id
    WHERE c.space_id IS NOT NULL
      AND (CAST(:username AS text) IS NULL OR u.username = :username)
      AND (CAST(:assistants AS bigint[]) = '{}' OR EXISTS (
           SELECT FROM assistant_collection a
           WHERE a.collection_id = c.id AND a.assistant_id = ANY(:assistants)))
    ORDER BY c.id
    """
)
_UNKNOWN = text(
    """
    SELECT id FROM unnest(CAST(:assistants AS bigint[])) AS id
    WHERE NOT EXISTS (SELECT FROM assistant a WHERE a.id = id.id)
    """
)
_IS_USER = text('SELECT EXISTS (SELECT FROM "user" WHERE username = :username)')
_LOCK = text("SELECT pg_try_advisory_lock(hashtext('aiconvokit.reindex'), 0)")


@dataclass(frozen=True, slots=True)
class Selected:
    """A collection that has passages, or had some: it has a space."""

    id: int
    public_id: str
    name: str
    username: str
    assistants: list[int]
    chunk_count: int
    space_id: int
    next_space_id: int | None
    previous_space_id: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Of these assistants, and of this user; neither: of all."""

    assistants: Sequence[int] = ()
    username: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.assistants and self.username is None


async def selected(session: AsyncSession, selection: Selection) -> list[Selected]:
    """The collections of a selection, oldest first."""
    keys = {"assistants": list(selection.assistants), "username": selection.username}
    return [Selected(*row) for row in await session.execute(_SELECTED, keys)]


async def unknown_assistants(session: AsyncSession, assistants: Sequence[int]) -> list[int]:
    """Those that are not there."""
    return list(await session.scalars(_UNKNOWN, {"assistants": list(assistants)}))


async def is_user(session: AsyncSession, username: str) -> bool:
    """Whether a user of this name is there."""
    return bool(await session.scalar(_IS_USER, {"username": username}))


async def take_turn(session: AsyncSession) -> bool:
    """Whether nobody else reindexes this database; nobody can as long as the connection is open."""
    return bool(await session.scalar(_LOCK))
