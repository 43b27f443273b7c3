"""A run that is in work elsewhere, or that an earlier request began: it is waited for."""

import asyncio
from collections.abc import AsyncGenerator

from aiconvokit.chat.tables import Thread
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.openai_api.runs.show import ACTIVE, standing
from aiconvokit.openai_api.runs.work import Ended
from aiconvokit.openai_api.tables import Run
from aiconvokit.services import Services

LOOK_SECONDS = 0.5
"""How often it is looked whether the run has ended: a few times in an answer."""


async def until_ended(
    services: Services, thread: Thread, run: Run, every_seconds: float = LOOK_SECONDS
) -> None:
    """Look, every so many seconds, until a run has ended or is gone."""
    while True:
        async with services.sessions() as session:
            row = await run_queries.run_of(session, thread.id, run.public_id)
        if row is None or standing(row.run, row.answer).status not in ACTIVE:
            return
        await asyncio.sleep(every_seconds)


async def events_of(services: Services, thread: Thread, run: Run) -> AsyncGenerator[Ended, None]:
    """The one event that is told of such a run: its end."""
    await until_ended(services, thread, run)
    yield Ended()
