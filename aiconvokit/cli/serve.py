"""`aiconvokit serve`: the API, and a worker beside it."""

import argparse
import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from typing_extensions import override

from aiconvokit import __version__
from aiconvokit.accounts.audit import sweep_trail
from aiconvokit.accounts.throttle import sweep_buckets
from aiconvokit.app import create_app
from aiconvokit.background import beside
from aiconvokit.chat.lease import free_lost_threads
from aiconvokit.cli.runtime import (
    Ground,
    collect_less,
    ground,
    keep_postgres,
    load_settings,
    log_to_stderr,
    on_stop,
    services_on,
    work_forever,
)
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.config import Settings
from aiconvokit.services import Services
from aiconvokit.telemetry import tracing

DRAIN_SECONDS = 25
"""How long answers in work may take to finish after SIGTERM."""
PUT_AWAY_SECONDS = 5
"""For what requests still store that were stopped after it."""

START_POLL_SECONDS = 0.02

logger = logging.getLogger("aiconvokit")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("serve", help="the page and the API, with a worker beside them")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    parser.add_argument(
        "--no-worker", action="store_true", help="read no documents; `aiconvokit worker` does"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    settings = for_host(load_settings(), arguments.host)
    log_to_stderr(settings.log_format)
    if settings.rate_limits == "off":
        logger.warning("AICONVOKIT_LIMITS=off: NO RATE LIMITS. Never run a real server like this.")
    with tracing.exporting(settings.otel_endpoint), ground(settings) as found:
        run_loop(lambda: _serve(found, arguments))
    return 0


def for_host(settings: Settings, host: str) -> Settings:
    """Registration is open to this machine, and closed to others unless the operator opens it."""
    if settings.registration != "auto":
        return settings
    return settings.model_copy(update={"registration": "open" if _is_loopback(host) else "closed"})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(found: Ground, arguments: argparse.Namespace) -> None:
    async with (
        services_on(found, walled=True) as services,
        serving(services, arguments.host, arguments.port) as server,
        worker_beside(services, wanted=not arguments.no_worker),
        beside(free_lost_threads(services), "free lost threads"),
        beside(sweep_buckets(services), "sweep rate limits"),
        beside(sweep_trail(services), "sweep the audit trail"),
        beside(keep_postgres(found), "keep Postgres"),
    ):
        on_stop(lambda: stop(server))
        collect_less()
        model = services.chat_model.name if services.chat_model else "none, answers are extracts"
        print(
            f"AIConvoKit {__version__} on http://{arguments.host}:{arguments.port}\n"
            f"  page        /\n"
            f"  API         /api/v1/   (reference: /docs)\n"
            f"  OpenAI      /v1/       (for OpenAI's clients)\n"
            f"  chat model  {model}\n"
            f"  embeddings  {services.embedder.model} ({services.embedder.provider})\n"
            f"  data        {found.data_dir}\n"
            "Ctrl-C stops it.",
            flush=True,
        )
        await server.finished.wait()


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would end the process before we closed our parts."""

    finished: asyncio.Event
    stops_at: float | None = None
    """By the loop's clock, once it was asked to: until then answers in work are waited for."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours."""
        yield


def stop(server: Server) -> None:
    """Finish the answers in work, then stop; asked twice, stop now."""
    server.force_exit = server.should_exit
    server.should_exit = True
    server.stops_at = asyncio.get_running_loop().time() + DRAIN_SECONDS


@asynccontextmanager
async def serving(services: Services, host: str, port: int) -> AsyncIterator[Server]:
    """The API on a port, from the moment it listens until it is asked to stop.

    Raises:
        SystemExit: the port is taken.
    """
    app = create_app(services)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        lifespan="off",  # our parts are opened around it, and stopped at once it would complain
        log_config=None,  # its faults are told as ours are
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `rest.network` believes whom the operator trusts, and nobody else
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = Server(config)
    server.finished = asyncio.Event()
    task = asyncio.create_task(server.serve(), name="uvicorn")
    task.add_done_callback(lambda _: server.finished.set())
    while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn sets no event
        await asyncio.sleep(START_POLL_SECONDS)
    if task.done():
        await task
    try:
        yield server
    finally:
        server.should_exit = True
        await task
        await _put_away(server)
        left = (server.stops_at or 0.0) - asyncio.get_running_loop().time()
        await app.state.runs.close(0.0 if server.force_exit else max(0.0, left))
        await app.state.streams.close()


async def _put_away(server: Server) -> None:
    """Let requests that were stopped store what they have: the pool is closed behind them."""
    left = set(server.server_state.tasks)
    for one in left:
        if not one.cancelling():  # asked to stop at once: uvicorn has cancelled none
            one.cancel()
    if left:
        await asyncio.wait(left, timeout=PUT_AWAY_SECONDS)


@asynccontextmanager
async def worker_beside(
    services: Services, *, wanted: bool, concurrency: int | None = None
) -> AsyncIterator[None]:
    """A worker in this process, unless it is not wanted."""
    if not wanted:
        yield
        return
    async with beside(work_forever(services, concurrency), "worker"):
        yield
