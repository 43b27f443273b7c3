"""`aiconvokit stats`: sizes, indexes, dead rows, the queue."""

import argparse

from aiconvokit.cli.runtime import ground, load_settings, log_to_stderr, services_on
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.operations.stats import report
from aiconvokit.operations.stats.collected import LARGEST, Statistics, collect


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("stats", help="sizes, indexes, dead rows, the queue")
    parser.add_argument("--largest", type=int, default=LARGEST, metavar="N", help="collections")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show; nothing is changed."""
    log_to_stderr()
    with ground(load_settings()) as found:

        async def act() -> Statistics:
            async with services_on(found) as services:
                return await collect(services, arguments.largest)

        collected = run_loop(act)
    if arguments.json:
        print(report.as_json(collected))
    else:
        report.show(collected)
    return 0
