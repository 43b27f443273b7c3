"""Whose plans are kept: planning a search takes 1.5 ms, as long as searching a small collection.

A plan made for any collection looks into all leaves of all tables, and cannot use an index of one
collection's vectors. So a large collection has statements of its own, with its id in their text,
and their plans are kept by the connection. All others share statements, planned each time; so do
searches with a filter, whose best plan depends on what it leaves.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiconvokit.db import Transaction
from aiconvokit.retrieval.filters import Condition
from aiconvokit.retrieval.types import Searchable

LARGE_FROM = 5_000
"""Passages. A connection keeps the plans of its latest 100 statements: few may have their own."""

_PLAN_ANEW = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"


def is_large(collection: Searchable) -> bool:
    """Whether a search of it costs enough for ways of its own."""
    return collection.chunk_count >= LARGE_FROM


def owner(collection: Searchable, where: Condition | None) -> int | None:
    """The id for the text of a search's statements; None: they are shared."""
    return collection.id if where is None and is_large(collection) else None


def owned(sql: str, collection_id: int | None) -> str:
    """A statement with its collection's id in place of `:collection`, if it is one's own."""
    return sql if collection_id is None else sql.replace(":collection", f"{collection_id:d}")


@asynccontextmanager
async def planned(
    transaction: Transaction, collection: Searchable, where: Condition | None
) -> AsyncIterator[None]:
    """How the statements of the block are planned; a pool's connections keep plans by themselves.

    With plans of one's own the block is no transaction: it only reads, one statement after another.
    """
    if owner(collection, where) is not None:
        yield
        return
    async with transaction.pipeline():
        await transaction.execute(_PLAN_ANEW)
        yield
