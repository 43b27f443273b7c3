"""`aiconvokit ingest`: files and folders into an assistant, from the command line."""

import argparse
import asyncio
import getpass
import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from aiconvokit.accounts import queries as account_queries
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.tables import User
from aiconvokit.assistants import access, folder
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.folder import Ended, Plan
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.cli.runtime import ground, load_settings, log_to_stderr, on_stop, services_on
from aiconvokit.cli.runtime import run as run_loop
from aiconvokit.cli.serve import worker_beside
from aiconvokit.errors import AIConvoKitError, ConfigurationError
from aiconvokit.services import Services
from ingestion.attributes import Attributes, BadAttributes, from_words
from ingestion.batch import SIDECAR, Found, Selection, find

DEFAULT_INSTRUCTIONS = "Answer questions from the documents."


@dataclass(slots=True)
class Report:
    """What a run came to; also what --json prints."""

    assistant_id: int
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    relabelled: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    seconds: float = 0.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("ingest", help="read files and folders into an assistant")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--assistant", type=int, metavar="ID", help="one that is there")
    target.add_argument("--create", metavar="NAME", help="a new one; the same name again: that one")
    parser.add_argument("--user", metavar="NAME", help="whose it is; needed when there are several")
    parser.add_argument("--company", default="the company", help="company_name of a new one")
    parser.add_argument("--recursive", action="store_true", help="folders in folders, too")
    parser.add_argument("--include", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    parser.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"of every document; a file NAME{SIDECAR} beside NAME says more, and wins",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="files at once")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument("--json", action="store_true", help="one JSON object at the end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ingest; 1 when a file failed."""
    log_to_stderr()
    selection = Selection(arguments.recursive, arguments.include, arguments.exclude)
    try:
        batch = list(find(arguments.paths, selection))
        common = from_words(arguments.attribute)
    except (OSError, BadAttributes) as error:
        raise ConfigurationError(str(error)) from error
    if not batch:
        raise ConfigurationError("No file there that can be read; --include takes other names.")
    labelled, unusable = _label(batch, common)
    try:
        with ground(load_settings()) as found:

            async def act() -> int:
                async with services_on(found) as services:
                    return await _ingest(services, arguments, labelled, unusable)

            return run_loop(act)
    except asyncio.CancelledError:
        print("Stopped. What is stored stays queued: run it again, or start a worker.")
        return 130


def _label(batch: Sequence[Found], common: Attributes) -> tuple[list[Found], dict[str, str]]:
    """The files with their attributes, and those whose sidecar is broken: what is wrong."""
    labelled: list[Found] = []
    unusable: dict[str, str] = {}
    for one in batch:
        try:
            labelled.append(one.labelled(common))
        except BadAttributes as error:
            unusable[one.name] = str(error)
    return labelled, unusable


async def _ingest(
    services: Services,
    arguments: argparse.Namespace,
    batch: Sequence[Found],
    unusable: dict[str, str],
) -> int:
    try:
        user = await _user(services, arguments.user)
        assistant_id = await _assistant(services, user, arguments)
    except AIConvoKitError as error:
        raise ConfigurationError(error.detail) from error
    report = Report(assistant_id, failed=unusable)
    plans = await folder.compare(services, assistant_id, batch)
    planned = list(zip(batch, plans, strict=True))
    for one, plan in planned:
        getattr(report, plan.value).append(one.name)
    todo = [one for one, plan in planned if plan not in {Plan.KNOWN, Plan.RELABELLED}]
    if not arguments.dry_run:
        relabelled = [one for one, plan in planned if plan is Plan.RELABELLED]
        await folder.relabel(services, assistant_id, relabelled)
    if todo and not arguments.dry_run:
        began = time.monotonic()
        async with worker_beside(services, wanted=True, concurrency=arguments.jobs):
            await _follow(services, user.id, report, todo, quiet=arguments.json)
        report.seconds = round(time.monotonic() - began, 1)
    _print(report, dry_run=arguments.dry_run, as_json=arguments.json)
    return 1 if report.failed else 0


async def _user(services: Services, name: str | None) -> User:
    """Whose assistant it is: the one named, or the only one; on an empty server a new one."""
    async with services.sessions.begin() as session:
        users = await account_queries.users(session)
    if name is not None:
        named = [user for user in users if user.username == name]
        if not named:
            raise ConfigurationError(f"There is no user {name}: aiconvokit users create {name}")
        return named[0]
    if len(users) > 1:
        names = ", ".join(user.username for user in users)
        raise ConfigurationError(f"Whose shall it be? Name one with --user: {names}")
    return users[0] if users else await _first_user(services)


async def _first_user(services: Services) -> User:
    name, password = getpass.getuser(), secrets.token_urlsafe(12)
    password_hash = await Passwords().hash(password)
    async with services.sessions.begin() as session:
        user = await account_queries.insert_user(session, name, "", password_hash)
    if user is None:
        raise ConfigurationError(f"There is a user {name} now; run it again.")
    print(f"Made the first user: {name}, password {password}", file=sys.stderr)
    return user


async def _assistant(services: Services, user: User, arguments: argparse.Namespace) -> int:
    async with services.sessions.begin() as session:
        if arguments.assistant is not None:
            found = await access.to_change(services, session, user.id, arguments.assistant)
            return found.id
        known = await assistant_queries.assistant_by_name(session, user.id, arguments.create)
        if known is not None:
            return known.id
        wanted = NewAssistant(arguments.create, arguments.company, DEFAULT_INSTRUCTIONS)
        return (await assistant_queries.insert_assistant(session, user.id, wanted)).id


async def _follow(
    services: Services, owner_id: int, report: Report, todo: Sequence[Found], *, quiet: bool
) -> None:
    """Show the progress: a bar on a terminal, a line a file elsewhere."""
    task = asyncio.current_task()
    on_stop(lambda: _cancel(task))
    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]:.1f} pages/s"),
        TextColumn("{task.fields[file]}"),
    )
    began = time.monotonic()
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task("Reading", total=len(todo), rate=0.0, file="")
        async for progress in folder.ingest(services, owner_id, report.assistant_id, todo):
            for one in progress.ended:
                _note(report, one, console)
            rate = report.pages / (time.monotonic() - began)
            file = ", ".join(progress.in_work)[:60]
            bar.update(shown, advance=len(progress.ended), rate=rate, file=file)


def _cancel(task: "asyncio.Task[object] | None") -> None:
    if task is not None:
        task.cancel()


def _note(report: Report, one: Ended, console: Console) -> None:
    report.pages += one.pages
    if one.problem is not None:
        report.failed[one.name] = one.problem
    if not console.is_terminal:
        console.print(f"{one.name}: {one.problem or f'{one.pages} pages'}", soft_wrap=True)


def _print(report: Report, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report), ensure_ascii=False))
        return
    counts = {
        "new": len(report.new),
        "changed": len(report.changed),
        "with other attributes": len(report.relabelled),
        "tried again": len(report.unfinished),
        "known already": len(report.known),
        "failed": len(report.failed),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    did = "Would read" if dry_run else f"{report.pages} pages in {report.seconds} s"
    print(f"Assistant {report.assistant_id}: {did}: {said}.")
    for name, problem in report.failed.items():
        print(f"  failed: {name}: {problem}")
