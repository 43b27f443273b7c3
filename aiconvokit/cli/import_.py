"""`aiconvokit import`: an export into this server, ready to be asked when the command ends."""

import argparse
import asyncio
import sys
from pathlib import Path

from aiconvokit.cli import transfer_show
from aiconvokit.cli.runtime import cancel_on_stop, load_settings, log_to_stderr, with_services
from aiconvokit.cli.serve import worker_beside
from aiconvokit.errors import InvalidFields
from aiconvokit.operations.transfer import numbers, planning, putting
from aiconvokit.operations.transfer.planning import COUNTED, Prepared, Wanted
from aiconvokit.operations.transfer.putting import Done, Putting
from aiconvokit.operations.transfer.records import Widget
from aiconvokit.rest.body import Body
from aiconvokit.services import Services
from aiconvokit.web.widget import keys
from aiconvokit.web.widget.reading import read_widget
from aiconvokit.web.widget.schemas import NewWidget

POLL_SECONDS = 0.2
_FIELDS = Widget.__struct_fields__


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("import", help="put a user's exported data into this server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--user", metavar="NAME", help="who gets it; else who has the same name")
    parser.add_argument("--dry-run", action="store_true", help="check it, and say what would be")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Import; 1 when something is not as it was."""
    log_to_stderr()
    try:
        return with_services(load_settings(), lambda services: _import(services, arguments))
    except asyncio.CancelledError:
        print("Stopped. What is imported stays: run it again.", file=sys.stderr)
        return 130


async def _import(services: Services, arguments: argparse.Namespace) -> int:
    cancel_on_stop()
    wanted = Wanted(arguments.folder.absolute(), arguments.user, check_widget)
    dry_run: bool = arguments.dry_run
    async with planning.prepared(services, wanted, dry_run=dry_run) as found:
        done = Done() if dry_run else await _put(services, found)
        problems = list(done.problems)
        problems += await putting.failures(services, done.waiting) if done.waiting else []
        transfer_show.show_new(found.new, found.there, dry_run=dry_run)
        changes = numbers.changes(found.known, found.plan)
        transfer_show.show_changes(changes)
        if changes and not dry_run:
            print(f"All of them: {found.path}")
        for sentence in await planning.over_quota(services, found) if dry_run else ():
            print(f"  quota: {sentence}")
    if found.known.locked:
        locked = found.known.locked
        print(f"{locked} documents had a password, which stays behind: say it again.")
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


def check_widget(one: Widget) -> None:
    """Whether an owner could have made a widget like that: its origins stand in a policy.

    Raises:
        ValueError: what is wrong, as a sentence.
    """
    if not keys.is_key(one.id):
        raise ValueError(f"{one.id} is no key of a widget")
    fields = {name: getattr(one, name) for name in NewWidget.__struct_fields__ if name in _FIELDS}
    try:
        found = read_widget(Body({**fields, "assistant_id": one.number}, is_form=False), {})
    except InvalidFields as error:
        raise ValueError(str(error)) from None
    if different := [name for name, value in fields.items() if getattr(found, name) != value]:
        raise ValueError(f"its {min(different)} is not as it would be stored")


async def _put(services: Services, found: Prepared) -> Done:
    """Put it in, and wait until all is read that was not yet."""
    totals = {table: len(found.known.ids[table]) for table in COUNTED}
    with transfer_show.progress(totals) as tell:
        done = await Putting(services, found, tell).put()
        if not done.waiting:
            return done
        async with worker_beside(services, wanted=True):
            while left := await putting.still_unread(services, done.waiting):
                tell("Reading", len(done.waiting) - left)
                await asyncio.sleep(POLL_SECONDS)
    return done
