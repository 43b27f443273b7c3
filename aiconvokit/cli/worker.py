"""`aiconvokit worker`: read uploaded documents, in a process of its own."""

import argparse
import asyncio
from contextlib import suppress

from aiconvokit.cli.runtime import (
    Ground,
    ground,
    load_settings,
    log_to_stderr,
    on_stop,
    services_on,
    work_forever,
)
from aiconvokit.cli.runtime import run as run_loop


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("worker", help="read uploaded documents (`serve` does it too)")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Work until SIGINT or SIGTERM; documents in work are finished or go back to the queue."""
    log_to_stderr()
    with ground(load_settings()) as found:
        run_loop(lambda: _work(found))
    return 0


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _work(found: Ground) -> None:
    async with services_on(found) as services:
        task = asyncio.create_task(work_forever(services), name="worker")
        on_stop(lambda: _cancel(task))
        print("Worker ready; Ctrl-C stops it.", flush=True)
        with suppress(asyncio.CancelledError):
            await task
