"""Statements that several groups of `/v1` share: objects by their public ids, pages of lists."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from aiconvokit.accounts.tables import Deletion
from aiconvokit.assistants.tables import Assistant
from aiconvokit.chat.tables import API, Thread
from aiconvokit.files.tables import StoredFile
from aiconvokit.openai_api.cursors import Cursor, unknown_cursor
from ingestion.tables import Collection, Document

T = TypeVar("T")
THREAD = "thread_"
"""What the ids of threads begin with, but for those that responses have."""


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page of a list."""

    rows: list[T]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns that a list is ordered by (rows) and whose values its cursors are.

    `within` stands before the cursor in what is kept of deletions, where one id is that of several
    objects: a file's in several vector stores.
    """

    row: InstrumentedAttribute[int]
    public: InstrumentedAttribute[str]
    within: str = ""


async def listed(
    session: AsyncSession,
    user_id: int,
    statement: Select[*tuple[Any, ...]],
    keys: Keys,
    wanted: Cursor,
    only: ColumnElement[bool] | None = None,
) -> Listed[Any]:
    """One page of what a statement finds, as rows of it; those that are `only` so.

    Ids of what was deleted are good cursors, too: clients delete what they list while they do. So
    are ids of what is not `only` so any more.

    Raises:
        InvalidFields: a cursor that is none of the list's.
    """
    is_up = wanted.order == "asc"
    backwards = wanted.before is not None and wanted.after is None  # the page next to `before`
    whole = statement  # a cursor may stand beyond the other one
    for name, cursor, is_beyond in (
        ("after", wanted.after, True),
        ("before", wanted.before, False),
    ):
        if cursor is not None:
            row = await _position(session, user_id, whole, keys, cursor)
            if row is None:
                raise unknown_cursor(name, cursor)
            statement = statement.where(keys.row > row if is_beyond == is_up else keys.row < row)
    if only is not None:
        statement = statement.where(only)
    ordered = keys.row.asc() if is_up != backwards else keys.row.desc()
    found = list((await session.execute(statement.order_by(ordered).limit(wanted.limit + 1))).all())
    rows = found[: wanted.limit]
    if backwards:
        rows.reverse()
    return Listed(rows, len(found) > wanted.limit)


async def _position(
    session: AsyncSession,
    user_id: int,
    statement: Select[*tuple[Any, ...]],
    keys: Keys,
    cursor: str,
) -> int | None:
    here = statement.with_only_columns(keys.row).where(keys.public == cursor)
    found = (await session.execute(here)).scalars().first()
    if found is not None:
        return int(found)
    gone = (
        select(Deletion.object_id)
        .where(Deletion.owner_id == user_id, Deletion.public_id == f"{keys.within}{cursor}")
        .order_by(Deletion.id.desc())
    )
    return (await session.scalars(gone)).first()


async def assistant_by_id(
    session: AsyncSession, user_id: int, openai_id: str, *, shared: bool
) -> Assistant | None:
    """An assistant that the user may ask."""
    statement = select(Assistant).where(Assistant.openai_id == openai_id)
    if not shared:
        statement = statement.where(Assistant.owner_id == user_id)
    return await session.scalar(statement)


async def thread_by_id(session: AsyncSession, user_id: int, public_id: str) -> Thread | None:
    """A user's own thread; what visitors of a web site say is none, and no conversation is."""
    if not public_id.startswith(THREAD):
        return None
    return await session.scalar(
        select(Thread).where(
            Thread.public_id == public_id, Thread.owner_id == user_id, Thread.origin == API
        )
    )


Owned = TypeVar("Owned", Collection, StoredFile)


async def own_by_id(
    session: AsyncSession, table: type[Owned], user_id: int, public_ids: Sequence[str]
) -> dict[str, Owned]:
    """Public id -> row, for those of some collections or files that are the user's."""
    found = await session.scalars(
        select(table).where(table.public_id.in_(public_ids), table.owner_id == user_id)
    )
    return {one.public_id: one for one in found}


async def file_ids_of(session: AsyncSession, document_ids: Several[int]) -> dict[int, str]:
    """Document id -> public id of its file, for those that are there."""
    if not document_ids:
        return {}
    rows = await session.execute(
        select(Document.id, StoredFile.public_id)
        .join(StoredFile, StoredFile.id == Document.file_id)
        .where(Document.id.in_(document_ids))
    )
    return {row[0]: row[1] for row in rows}
