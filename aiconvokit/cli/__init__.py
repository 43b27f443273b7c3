"""The `aiconvokit` command: one file a subcommand."""

import argparse
import sys

from aiconvokit import __version__
from aiconvokit.cli import (
    audit,
    backup,
    check,
    demo,
    doctor,
    export,
    import_,
    ingest,
    migrate,
    reindex,
    serve,
    show_config,
    stats,
    users,
    worker,
)
from aiconvokit.cli import eval as evaluation
from aiconvokit.embedded_postgres import EmbeddedPostgresError
from aiconvokit.errors import ConfigurationError, StorageAway

COMMANDS = (
    demo,
    serve,
    worker,
    ingest,
    evaluation,
    users,
    audit,
    migrate,
    reindex,
    stats,
    doctor,
    check,
    show_config,
    backup,
    export,
    import_,
)


def main() -> None:
    """Run a subcommand; what the operator must change is one sentence on stderr, status 2."""
    parser = argparse.ArgumentParser(prog="aiconvokit", description="Assistants with documents.")
    parser.add_argument("--version", action="version", version=f"aiconvokit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    arguments = parser.parse_args()
    try:
        status = arguments.run(arguments)
    except (ConfigurationError, EmbeddedPostgresError, StorageAway) as error:
        print(f"aiconvokit: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
