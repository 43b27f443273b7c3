"""What commands share: the database they run on, the event loop, logging."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsError

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.database_faults import is_database_away
from aiconvokit.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresError,
    default_data_dir,
)
from aiconvokit.errors import ConfigurationError
from aiconvokit.files.worker import work
from aiconvokit.services import Services, open_services
from aiconvokit.telemetry import logs

T = TypeVar("T")
WORKER_PAUSE_SECONDS = 5
"""Before a worker that lost its database tries again."""
REVIVE_SECONDS = 2
"""Between two looks at an embedded Postgres: one that was killed is back within a few seconds."""
REVIVE_AGAIN_SECONDS = 10
"""After a look in vain: who makes room on the disk may wait that long."""
COLLECT_AFTER = 20_000
"""Objects, more made than freed, until the youngest are looked through for cycles; Python's 700."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything stands: settings, the database, the data folder."""

    settings: Settings
    database_url: str
    data_dir: Path
    postgres: EmbeddedPostgres | None = None
    """The embedded one; None: the operator looks after the database."""


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        ConfigurationError: a variable cannot be understood; names it, never its value.
    """
    try:
        settings = Settings()
        _ = settings.limits
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigurationError("The settings cannot be read. " + "; ".join(wrong)) from None
    except SettingsError as error:
        raise ConfigurationError(str(error)) from None
    return settings


def log_to_stderr(log_format: logs.Format = "text") -> None:
    """What happens, as `telemetry.logs` has it; the commands for people have plain lines."""
    logs.to_stderr(log_format)


@contextmanager
def ground(settings: Settings, *, migrate: bool = False) -> Iterator[Ground]:
    """A database whose schema fits: the configured one, or the embedded one for the block's time.

    The embedded database is migrated by itself; a configured one only when `migrate` is set, since
    other programs may be running on it.

    Raises:
        ConfigurationError: with the sentence that says what to do.
    """
    data_dir = settings.data_dir or default_data_dir()
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        (schema.upgrade if migrate else schema.require_current)(url)
        data_dir.mkdir(parents=True, exist_ok=True)
        yield Ground(settings, url, data_dir)
        return
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    try:
        schema.upgrade(url)
        yield Ground(settings, url, data_dir, server)
    finally:
        server.stop()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def collect_less() -> None:
    """Tell the collector of reference cycles that what is there now stays, and to look less often.

    For a server that has started: walking through its modules took 9 % of the CPU of a turn, which
    leaves some hundred objects in cycles, if that (docs/decisions/0015).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@asynccontextmanager
async def services_on(found: Ground, *, walled: bool = False) -> AsyncIterator[Services]:
    """The open services of a ground; `walled` where others ask than who runs the command."""
    async with open_services(
        found.settings, found.database_url, found.data_dir, walled=walled
    ) as services:
        yield services


def with_services(settings: Settings, act: Callable[[Services], Awaitable[T]]) -> T:
    """Do something with the open services of a database whose schema fits; for a whole command."""
    with ground(settings) as found:

        async def main() -> T:
            async with services_on(found) as services:
                return await act(services)

        return run(main)


async def work_forever(services: Services, concurrency: int | None = None) -> None:
    """Run the worker; one that broke is started again, the API beside it goes on.

    `concurrency` is how many documents are read at once; None: as the settings say.
    """
    while True:
        try:
            await work(services, concurrency or services.settings.limits.worker_concurrency)
        except Exception as error:  # whatever broke it, uploads must go on being read
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # a stop whose clean-up failed is a stop
                raise asyncio.CancelledError from error
            is_news = not is_database_away(error)
            told = "The worker stopped and starts again in %s s"
            logger.warning(told, WORKER_PAUSE_SECONDS, exc_info=is_news)
        await asyncio.sleep(WORKER_PAUSE_SECONDS)


async def keep_postgres(found: Ground) -> None:
    """For ever: start an embedded Postgres again that was killed, or found no room on its disk."""
    while found.postgres is not None:
        await asyncio.sleep(REVIVE_SECONDS)
        try:
            if await asyncio.to_thread(found.postgres.revive):
                logger.warning("Postgres had ended and was started again")
        except (EmbeddedPostgresError, OSError) as error:  # it is tried again
            logger.error("%s", error)  # noqa: TRY400  # a sentence for the operator
            await asyncio.sleep(REVIVE_AGAIN_SECONDS)


def on_stop(callback: Callable[[], object]) -> None:
    """Call back on SIGINT and SIGTERM, in the running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, callback)


def cancel_on_stop() -> None:
    """Cancel the task that calls this on SIGINT and SIGTERM."""
    task = asyncio.current_task()
    if task is not None:
        on_stop(task.cancel)
