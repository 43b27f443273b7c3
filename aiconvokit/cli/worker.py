"""`aiconvokit worker`: read uploaded documents, in a process of its own."""

import argparse
import asyncio
from contextlib import suppress

from aiconvokit.cli.runtime import (
    load_settings,
    log_to_stderr,
    on_stop,
    with_services,
    work_forever,
)
from aiconvokit.services import Services


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("worker", help="read uploaded documents (`serve` does it too)")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Work until SIGINT or SIGTERM; documents in work are finished or go back to the queue."""
    log_to_stderr()
    with_services(load_settings(), _work)
    return 0


async def _work(services: Services) -> None:
    task = asyncio.create_task(work_forever(services), name="worker")
    on_stop(task.cancel)
    print("Worker ready; Ctrl-C stops it.", flush=True)
    with suppress(asyncio.CancelledError):
        await task
