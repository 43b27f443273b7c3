"""`aiconvokit backup` and `aiconvokit restore`: everything into one file, and back."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiconvokit import schema
from aiconvokit.accounts import audit
from aiconvokit.cli import check as checking
from aiconvokit.cli.runtime import Ground, ground, load_settings, log_to_stderr, run, services_on
from aiconvokit.config import Settings
from aiconvokit.embedded_postgres import EmbeddedPostgres, default_data_dir
from aiconvokit.operations.backup import loading, making
from aiconvokit.operations.backup.making import Place
from aiconvokit.operations.check.examination import Patience, check
from aiconvokit.operations.check.kinds import Finding
from aiconvokit.storage import open_storage

TOLD_EVERY_SECONDS = 1.0
AFTERWARDS = Patience(settle=0.0)
"""Nobody works on the server yet; what an earlier try left in storage may lie there."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the two subcommands."""
    for name, does, action in (
        ("backup", "write everything into one file, while the server runs", _back_up),
        ("restore", "fill an empty server from a backup", _restore),
    ):
        parser = commands.add_parser(name, help=does)
        parser.add_argument("file", type=Path)
        parser.set_defaults(run=action)


def _back_up(arguments: argparse.Namespace) -> int:
    """Write the file, and say what is in it."""
    log_to_stderr()
    target: Path = arguments.file.absolute()
    with ground(load_settings()) as found:
        made = run(lambda: making.make(_place(found), target, _Progress().tell))
    if made.deleted:
        print(f"{len(made.deleted)} files were deleted meanwhile, and are not restored.")
    size = target.stat().st_size / 1_000_000
    rows = sum(table.rows for table in made.tables.values())
    print(f"{target}: {making.count_originals(made)} originals, {rows} rows, {size:.1f} MB.")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    """Fill the server; 1 when something is wrong with what is there now."""
    log_to_stderr()
    progress = _Progress()
    backup = loading.read(arguments.file)
    about = backup.about
    progress.tell(f"{arguments.file} is whole: {about.created_at:%Y-%m-%d %H:%M} UTC")
    with _bare(load_settings()) as found:
        place = _place(found)
        run(lambda: loading.require_empty(place))
        schema.prepare(found.database_url, about.schema)
        run(lambda: loading.load(place, backup, progress.tell))
        schema.upgrade(found.database_url)
        progress.tell("Checking")
        findings = run(lambda: _written_down_and_checked(found))
    print(f"Restored from {arguments.file}.")
    checking.show(findings, repair=True)
    return 0 if all(one.repaired for one in findings) else 1


async def _written_down_and_checked(found: Ground) -> Sequence[Finding]:
    async with services_on(found) as services:
        async with services.sessions.begin() as session:
            await audit.note(session, "backup.restored", "backup")
        return await check(services, AFTERWARDS, repair=True)


def _place(found: Ground) -> Place:
    tables = [table.name for table in schema.metadata.sorted_tables]
    return Place(found.database_url, open_storage(found.settings, found.data_dir), tables)


@contextmanager
def _bare(settings: Settings) -> Iterator[Ground]:
    """Like `ground`, with a database of any schema or none."""
    data_dir = settings.data_dir or default_data_dir()
    if settings.database_url is not None:
        data_dir.mkdir(parents=True, exist_ok=True)
        yield Ground(settings, settings.database_url.get_secret_value(), data_dir)
        return
    with EmbeddedPostgres(data_dir) as url:
        yield Ground(settings, url, data_dir)


class _Progress:
    """Lines on stderr, at most one a second."""

    def __init__(self) -> None:
        self._last = -TOLD_EVERY_SECONDS

    def tell(self, what: str) -> None:
        """How far it is."""
        now = time.monotonic()
        if now - self._last >= TOLD_EVERY_SECONDS:
            self._last = now
            print(what, file=sys.stderr)
