"""`aiconvokit audit`: who did what."""

import argparse
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from aiconvokit.accounts import audit_queries
from aiconvokit.accounts.audit_routes import show_event
from aiconvokit.accounts.schemas import AuditOut
from aiconvokit.cli.runtime import load_settings, log_to_stderr, with_services
from aiconvokit.services import Services

DEFAULT_DAYS = 30
AT_ONCE = 1_000
"""Events that are read in one go: there may be millions."""
NOTHING = "-"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser("audit", help="who did what, oldest first")
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="DATE",
        help=f"2026-11-22, or with a time (UTC): 2026-11-22T09:00; else {DEFAULT_DAYS} days ago",
    )
    parser.add_argument("--actor", metavar="NAME", help="of one user, or of 'command line'")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the events."""
    log_to_stderr()
    with_services(load_settings(), lambda services: _print(services, arguments))
    return 0


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a date such as 2026-11-22") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _print(services: Services, arguments: argparse.Namespace) -> None:
    since = arguments.since or datetime.now(UTC) - timedelta(days=DEFAULT_DAYS)
    async for event in _events(services, since, arguments.actor):
        line = msgspec.json.encode(event).decode() if arguments.json else _line(event)
        sys.stdout.write(f"{line}\n")


async def _events(
    services: Services, since: datetime, actor: str | None
) -> AsyncIterator[AuditOut]:
    after = 0
    while True:
        async with services.sessions() as session:
            rows = await audit_queries.since(session, since, actor, after, AT_ONCE)
        for row in rows:
            yield show_event(row)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id


def _line(event: AuditOut) -> str:
    """Time, actor, action, object, address: one event a line, with tabs between."""
    told = f"{event.object_kind} {event.object_id}" if event.object_kind else NOTHING
    return "\t".join([event.at, event.actor, event.action, told, event.address or NOTHING])
