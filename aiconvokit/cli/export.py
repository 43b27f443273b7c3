"""`aiconvokit export`: one user's data into a folder of plain files, while the server runs."""

import argparse
from pathlib import Path

from aiconvokit.cli import transfer_show
from aiconvokit.cli.runtime import ground, load_settings, log_to_stderr, run
from aiconvokit.operations.transfer import places, taking
from aiconvokit.operations.transfer.taking import Source, Sum
from aiconvokit.storage import open_storage


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("export", help="write all of one user's data into a folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--user", metavar="NAME", required=True, help="whose data")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")
    parser.set_defaults(run=export)


def export(arguments: argparse.Namespace) -> int:
    """Write the folder; 1 when bytes of a file were lost before."""
    log_to_stderr()
    folder: Path = arguments.folder.absolute()
    with ground(load_settings()) as found:
        storage = open_storage(found.settings, found.data_dir)
        source = Source(found.database_url, storage, arguments.user)
        made = _counted(source) if arguments.dry_run else _written(source, folder)
    transfer_show.show_sum(made, dry_run=arguments.dry_run)
    if arguments.dry_run:
        print(f"Free there: {places.room_in(folder) / 1_000_000:.1f} MB.")
    else:
        print(f"{folder} holds all that {arguments.user} has.")
    return 1 if made.missing else 0


def _counted(source: Source) -> Sum:
    return run(lambda: taking.count(source))


def _written(source: Source, folder: Path) -> Sum:
    with transfer_show.progress({}) as tell:
        return run(lambda: taking.take(source, folder, tell))
