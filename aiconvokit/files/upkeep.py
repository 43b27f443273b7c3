"""The worker's side work: indexes of large collections, kept in the background."""

from aiconvokit.background import forever
from aiconvokit.db import create_engine
from aiconvokit.services import Services
from aiconvokit.telemetry.instruments import INDEX_STEPS
from ingestion.index_upkeep import Upkeep

EVERY_SECONDS = 60.0
"""A round that finds nothing to do asks three questions."""


async def keep_indexes(services: Services) -> None:
    """Give large collections their indexes, and take them again, until cancelled."""
    engine = create_engine(services.database_url, pool_size=2)
    upkeep = Upkeep(engine)

    async def round_() -> None:
        for step, _ in await upkeep.round():
            INDEX_STEPS.labels(step).inc()

    try:
        await forever("Looking after indexes", EVERY_SECONDS, round_)
    finally:
        await engine.dispose()
