"""Runs in work: each is a task of this process, which goes on whoever listens to it.

Nothing waits for a run here but the process's own end. Its state is in the database: where the
process dies, the thread's lease runs out and the answer becomes `interrupted`. What another process
was told to cancel or to delete, this one finds there.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from aiconvokit.accounts.dismissal import Dismissals
from aiconvokit.accounts.dismissal_queries import Asker
from aiconvokit.chat.answer import Event, carry_on
from aiconvokit.chat.turn import Along, StoredTurn
from aiconvokit.database_faults import is_database_away
from aiconvokit.errors import AIConvoKitError
from aiconvokit.openai_api.runs import queries as run_queries
from aiconvokit.rest.ending import Ending
from aiconvokit.services import Services

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5
"""How soon a run ends that another process is told to cancel or to delete; one small statement for
all of them, as long as there are any."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last of a run's events, however it ended: how is in the database."""


@dataclass(frozen=True, slots=True)
class _InWork:
    task: asyncio.Task[None]
    told: asyncio.Queue[Event | Ended]


@dataclass(slots=True)
class Runs:
    """The runs of this process."""

    services: Services
    dismissals: Dismissals
    _in_work: dict[str, _InWork] = field(default_factory=dict)
    _watch: asyncio.Task[None] | None = None

    def start(
        self,
        run_id: str,
        turn: StoredTurn,
        place: AsyncExitStack,
        along: Along | None = None,
    ) -> None:
        """Let a turn that has begun go on to its end, and then leave its place.

        `along` is stored with its answer.
        """
        told: asyncio.Queue[Event | Ended] = asyncio.Queue()  # at most one answer's pieces
        task = asyncio.create_task(self._work(turn, place, told, along), name=run_id)
        self._in_work[run_id] = _InWork(task, told)
        task.add_done_callback(lambda _: self._in_work.pop(run_id, None))
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._stop_unwanted(), name="watch runs")

    def events(self, run_id: str) -> AsyncGenerator[Event | Ended, None]:
        """What happens in a run just started, to its end; for one listener, who may leave."""
        return _told(self._in_work[run_id].told)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run and wait until what it came to is stored; False when it is not here."""
        found = self._in_work.get(run_id)
        if found is None:
            return False
        _stop(found.task)
        await asyncio.wait({found.task})
        return True

    async def close(self, within: float) -> None:
        """Let the runs end for some seconds, then stop what is left and let it be stored."""
        tasks = {one.task for one in self._in_work.values()}
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=within)
            for task in left:
                _stop(task)
            if left:
                await asyncio.wait(left)
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})

    async def _stop_unwanted(self) -> None:
        """As long as there are runs: stop those that are cancelled, or deleted, elsewhere."""
        while self._in_work:
            asked = list(self._in_work)
            try:
                async with self.services.owner_sessions() as session:  # whosever they are
                    wanted = await run_queries.wanted_of(session, asked)
            except SQLAlchemyError as error:  # also a pool without a connection; it is asked again
                logger.warning("Cancelled runs cannot be looked for: %s", type(error).__name__)
                wanted = set(asked)
            for run_id in asked:
                if run_id not in wanted and run_id in self._in_work:
                    _stop(self._in_work[run_id].task)
            await asyncio.sleep(WATCH_SECONDS)

    async def _work(
        self,
        turn: StoredTurn,
        place: AsyncExitStack,
        told: asyncio.Queue[Event | Ended],
        along: Along | None,
    ) -> None:
        try:
            with self.dismissals.watch(Asker(turn.user_id)) as ending:
                ending.add_done_callback(partial(_stop_for, asyncio.current_task()))
                async with aclosing(carry_on(self.services, turn, along)) as events:
                    async for event in events:
                        told.put_nowait(event)
        except AIConvoKitError as error:  # it is written on the answer
            logger.info("A run failed: %s", error.code)
        except Exception as error:
            if is_database_away(error):
                logger.warning("A run was lost: the database is not available.")
            else:
                logger.exception("A run failed")
        finally:
            told.put_nowait(Ended())
            await place.aclose()


def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a run, once: a second time would not let it put away what it came to."""
    if not task.cancelling():
        task.cancel()


def _stop_for(task: asyncio.Task[None] | None, _: Ending) -> None:
    """Its user is out: a listener is told so before the run has put away what it came to."""
    if task is not None:
        _stop(task)


async def _told(told: asyncio.Queue[Event | Ended]) -> AsyncGenerator[Event | Ended, None]:
    while True:
        event = await told.get()
        yield event
        if isinstance(event, Ended):
            return
