"""What commands share: the database they run on, the event loop, logging."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from pydantic import ValidationError

from aiconvokit import schema
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres import EmbeddedPostgres, default_data_dir
from aiconvokit.errors import ConfigurationError
from aiconvokit.files.worker import work
from aiconvokit.services import Services, open_services

T = TypeVar("T")
WORKER_PAUSE_SECONDS = 5
"""Before a worker that lost its database tries again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything stands: settings, the database, the data folder."""

    settings: Settings
    database_url: str
    data_dir: Path


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
    return settings


def log_to_stderr() -> None:
    """Plain lines; libraries only when something is wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiconvokit").setLevel(logging.INFO)


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
        yield Ground(settings, url, data_dir)
    finally:
        server.stop()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


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
            logger.exception("The worker stopped and starts again in %s s", WORKER_PAUSE_SECONDS)
        await asyncio.sleep(WORKER_PAUSE_SECONDS)


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
