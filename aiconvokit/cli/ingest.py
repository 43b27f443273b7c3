"""`aiconvokit ingest`: files and folders into an assistant, from the command line."""

import argparse
import asyncio
import getpass
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aiconvokit.accounts import audit
from aiconvokit.accounts import queries as account_queries
from aiconvokit.accounts.passwords import Passwords
from aiconvokit.accounts.tables import User
from aiconvokit.assistants import access, folder, sync
from aiconvokit.assistants import queries as assistant_queries
from aiconvokit.assistants.folder import Plan
from aiconvokit.assistants.schemas import NewAssistant
from aiconvokit.assistants.sync import Difference
from aiconvokit.cli.ingest_show import Reading, Report, follow, show
from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.cli.serve import worker_beside
from aiconvokit.errors import AIConvoKitError, ConfigurationError
from aiconvokit.services import Services
from ingestion.attributes import Attributes, BadAttributes, from_words
from ingestion.batch import SIDECAR, Found, Selection, find

DEFAULT_INSTRUCTIONS = "Answer questions from the documents."
NOTHING_FOUND = "No file there that can be read; --include takes other names."


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
    parser.add_argument(
        "--password",
        action="store_true",
        help="ask for one (or read it from standard input), for the files that need one",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="files at once")
    parser.add_argument(
        "--sync",
        action="store_true",
        help="documents of earlier runs with --sync whose files are gone from PATH are deleted",
    )
    parser.add_argument("--yes", action="store_true", help="with --sync: delete even most of them")
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
    if arguments.sync:
        _ensure_one_folder(arguments.paths)
    elif not batch:
        raise ConfigurationError(NOTHING_FOUND)
    labelled, unusable = _label(batch, common)
    arguments.password = _password() if arguments.password else None
    try:
        return with_services(
            load_settings(), lambda services: _ingest(services, arguments, labelled, unusable)
        )
    except asyncio.CancelledError:
        print("Stopped. What is stored stays queued: run it again, or start a worker.")
        return 130


def _password() -> str:
    """Never an argument: those are for everybody on the machine to see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password of the files: ")


def _ensure_one_folder(paths: Sequence[Path]) -> None:
    if len(paths) != 1 or not paths[0].is_dir():
        raise ConfigurationError("--sync takes one folder.")


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
    difference = await _difference(services, arguments, report, planned)
    if not arguments.dry_run:
        if difference is not None:
            _ensure_meant(difference, yes=arguments.yes)
            await sync.apply(services, user.id, assistant_id, difference)
        try:
            await _read(services, arguments, user, report, planned)
        finally:
            if difference is not None:
                await sync.remember(services, assistant_id, difference, planned)
    show(report, dry_run=arguments.dry_run, as_json=arguments.json)
    return 1 if report.failed else 0


async def _difference(
    services: Services,
    arguments: argparse.Namespace,
    report: Report,
    planned: Sequence[tuple[Found, Plan]],
) -> Difference | None:
    """With --sync: what is gone or renamed, which the report then says."""
    if not arguments.sync:
        return None
    (root,) = arguments.paths
    try:
        found = await sync.compare(services, report.assistant_id, root, planned)
    except OSError as error:
        raise ConfigurationError(str(error)) from error
    if not planned and not found.known:
        raise ConfigurationError(NOTHING_FOUND)
    report.deleted = found.gone
    report.renamed = {old: one.name for old, one in found.renamed.items()}
    renamed = set(report.renamed.values())
    report.new = [name for name in report.new if name not in renamed]
    return found


def _ensure_meant(difference: Difference, *, yes: bool) -> None:
    if difference.is_much and not yes:
        raise ConfigurationError(
            f"The files of {len(difference.gone)} of {len(difference.known)} documents are gone."
            " Nothing was done. If the folder is as it should be: --yes deletes the documents."
        )


async def _read(
    services: Services,
    arguments: argparse.Namespace,
    user: User,
    report: Report,
    planned: Sequence[tuple[Found, Plan]],
) -> None:
    relabelled = [one for one, plan in planned if plan is Plan.RELABELLED]
    await folder.relabel(services, report.assistant_id, relabelled)
    todo = [one for one, plan in planned if plan not in {Plan.KNOWN, Plan.RELABELLED}]
    if not todo:
        return
    began = time.monotonic()
    async with worker_beside(services, wanted=True, concurrency=arguments.jobs):
        reading = Reading(user.id, todo, arguments.password)
        await follow(services, report, reading, quiet=arguments.json)
    report.seconds = round(time.monotonic() - began, 1)


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
        if user is not None:
            await audit.note(session, "user.created", "user", user.id)
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
        made = await assistant_queries.insert_assistant(session, user.id, wanted)
        await audit.note(session, "assistant.created", "assistant", made.id)
        return made.id
