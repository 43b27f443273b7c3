"""Statements about model servers."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from aiconvokit.llm.tables import Endpoint


async def find_traits(
    session: AsyncSession, kind: str, address: str, model: str
) -> dict[str, Any] | None:
    """What is stored about a model at an address."""
    found = await session.get(Endpoint, (kind, address, model))
    return found.traits if found else None


async def store_traits(
    session: AsyncSession, kind: str, address: str, model: str, traits: dict[str, Any]
) -> None:
    """Replace what is stored about a model at an address."""
    new = insert(Endpoint).values(kind=kind, address=address, model=model, traits=traits)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "address", "model"],
            set_={"traits": new.excluded.traits, "learnt_at": func.now()},
        )
    )
