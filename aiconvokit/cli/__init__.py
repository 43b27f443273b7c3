"""The `aiconvokit` command: one file a subcommand."""

import argparse
import importlib
import sys

from aiconvokit import __version__
from aiconvokit.embedded_postgres import EmbeddedPostgresError
from aiconvokit.errors import ConfigurationError, StorageAway

COMMANDS = {
    "demo": "demo",
    "serve": "serve",
    "worker": "worker",
    "ingest": "ingest",
    "eval": "eval",
    "users": "users",
    "audit": "audit",
    "migrate": "migrate",
    "reindex": "reindex",
    "stats": "stats",
    "doctor": "doctor",
    "check": "check",
    "config": "show_config",
    "backup": "backup",
    "restore": "backup",
    "export": "export",
    "import": "import_",
}
"""Each one's module. Only that of the command is imported: a server needs no tables, bars and
evaluations, and 10 MB less without."""


def main() -> None:
    """Run a subcommand; what the operator must change is one sentence on stderr, status 2."""
    parser = argparse.ArgumentParser(prog="aiconvokit", description="Assistants with documents.")
    parser.add_argument("--version", action="version", version=f"aiconvokit {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = COMMANDS.get(next(iter(sys.argv[1:]), ""))
    for module in dict.fromkeys([asked] if asked else COMMANDS.values()):
        importlib.import_module(f"aiconvokit.cli.{module}").add(commands)
    arguments = parser.parse_args()
    try:
        status = arguments.run(arguments)
    except (ConfigurationError, EmbeddedPostgresError, StorageAway) as error:
        print(f"aiconvokit: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
