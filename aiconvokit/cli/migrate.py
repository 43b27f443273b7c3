"""`aiconvokit migrate`: bring the database to this program's schema."""

import argparse

from aiconvokit.cli.runtime import ground, load_settings, log_to_stderr


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("migrate", help="bring the database to this program's schema")
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Migrate and say so."""
    log_to_stderr()
    with ground(load_settings(), migrate=True):
        print("The database fits this program.")
    return 0
