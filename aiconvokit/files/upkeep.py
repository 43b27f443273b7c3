"""The worker's side work: indexes of large collections, kept in the background."""

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.db import create_engine
from aiconvokit.services import Services
from ingestion.index_upkeep import Upkeep

EVERY_SECONDS = 60.0
"""A round that finds nothing to do asks three questions."""

logger = logging.getLogger(__name__)


async def keep_indexes(services: Services) -> None:
    """Give large collections their indexes, and take them again, until cancelled."""
    engine = create_engine(services.database_url, pool_size=2)
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
