"""`aiconvokit stats`: sizes, indexes, dead rows, the queue."""

import argparse

from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.operations.stats import report
from aiconvokit.operations.stats.collected import LARGEST, collect


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("stats", help="sizes, indexes, dead rows, the queue")
    parser.add_argument("--largest", type=int, default=LARGEST, metavar="N", help="collections")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show; nothing is changed."""
    log_to_stderr()
    collected = with_services(
        load_settings(), lambda services: collect(services, arguments.largest)
    )
    if arguments.json:
        print(report.as_json(collected))
    else:
        report.show(collected)
    return 0
