"""The worker's side work: indexes of large collections, kept in the background."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.db import create_engine
from aiconvokit.services import Services
from ingestion.index_upkeep import Upkeep

EVERY_SECONDS = 60.0
"""A round that finds nothing to do asks three questions."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def indexes_kept(services: Services) -> AsyncIterator[None]:
    """As long as the block lasts, large collections get their indexes and lose them again."""
    task = asyncio.create_task(_keep(services.database_url), name="keep indexes")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            logger.error("Indexes were not kept any more", exc_info=error)


async def _keep(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=2)
    upkeep = Upkeep(engine)
    try:
        while True:
            try:
                await upkeep.round()
            except (OSError, SQLAlchemyError) as error:
                logger.warning("Indexes cannot be looked after: %s", type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await engine.dispose()
