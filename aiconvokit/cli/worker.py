"""`aiconvokit worker`: read uploaded documents, in a process of its own."""

import argparse
import asyncio
from contextlib import suppress

from aiconvokit.background import beside
from aiconvokit.cli.metrics_port import metrics_on
from aiconvokit.cli.runtime import (
    Ground,
    ground,
    keep_postgres,
    load_settings,
    log_to_stderr,
    on_stop,
    services_on,
    work_forever,
)
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.telemetry import tracing


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("worker", help="read uploaded documents (`serve` does it too)")
    parser.add_argument(
        "--metrics-port", type=int, metavar="N", help="port of 127.0.0.1 for /metrics"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until SIGINT or SIGTERM; documents in work are finished or go back to the queue."""
    settings = load_settings()
    log_to_stderr(settings.log_format)
    with tracing.exporting(settings.otel_endpoint), ground(settings) as found:
        run_loop(lambda: _work(found, arguments.metrics_port))
    return 0


async def _work(found: Ground, metrics_port: int | None) -> None:
    async with (
        services_on(found) as services,
        metrics_on(services, metrics_port),
        beside(keep_postgres(found), "keep Postgres"),
    ):
        task = asyncio.create_task(work_forever(services), name="worker")
        on_stop(task.cancel)
        print("Worker ready; Ctrl-C stops it.", flush=True)
        with suppress(asyncio.CancelledError):
            await task
