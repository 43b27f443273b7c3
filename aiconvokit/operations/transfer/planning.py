"""Before anything is imported: the export is checked, and it is settled what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aiconvokit.accounts import quota_queries
from aiconvokit.operations.transfer import numbers, putting_queries
from aiconvokit.operations.transfer.checking import check
from aiconvokit.operations.transfer.errors import TransferError
from aiconvokit.operations.transfer.folder import Export, opened
from aiconvokit.operations.transfer.known import Known, WidgetCheck
from aiconvokit.operations.transfer.numbers import TABLES, Ground, Plan
from aiconvokit.operations.transfer.putting_queries import Connection, Target
from aiconvokit.operations.transfer.taking_queries import connected
from aiconvokit.services import Services

COUNTED = {
    "assistant": "assistants",
    "collection": "vector stores",
    "document": "documents",
    "file": "files",
    "file_batch": "file batches",
    "widget": "widgets",
    "thread": "threads",
    "message": "messages",
    "run": "runs",
}
"""What people are told how many there are of, by table."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported.

    Attributes:
        folder: of the export.
        user: who gets it; None: the user of the same name.
        check_widget: see `checking.check`.
    """

    folder: Path
    user: str | None
    check_widget: WidgetCheck


@dataclass(frozen=True, slots=True)
class Prepared:
    """An export that was checked, who gets it, and under which numbers.

    Attributes:
        export: the folder.
        known: what is in it.
        target: who gets it, and what of it is there already.
        plan: what is called what.
        path: where the plan is kept.
    """

    export: Export
    known: Known
    target: Target
    plan: Plan
    path: Path

    @property
    def new(self) -> dict[str, int]:
        """How many there are of what is not there yet."""
        there = self.target.there
        return {
            told: len(self.known.ids[table].keys() - there[table].keys())
            for table, told in COUNTED.items()
        }

    @property
    def there(self) -> int:
        """How many objects are there already, and stay as they are."""
        return sum(len(self.target.there[table]) for table in COUNTED)


@asynccontextmanager
async def prepared(
    services: Services, wanted: Wanted, *, dry_run: bool = False
) -> AsyncIterator[Prepared]:
    """Check an export and settle what becomes of it; nobody else imports as long as the block runs.

    Args:
        services: the new server.
        wanted: the export, and whose it becomes.
        dry_run: set nothing aside, and write nothing down.

    Raises:
        TransferError: it is damaged, somebody else has a part of it, or there is no such user.
    """
    export = opened(wanted.folder)
    known = await asyncio.to_thread(check, export, wanted.check_widget)
    name = wanted.user or export.manifest.user
    async with connected(services.database_url) as connection:
        if not await putting_queries.lock(connection):
            raise TransferError("Another import is running on this server. Try again later.")
        target = await putting_queries.target_of(connection, name, known.ids, known.shared)
        if target is None:
            raise TransferError(
                f"There is no user named {name} here. Make one: aiconvokit users create {name}; or "
                "say whose it becomes with --user."
            )
        for table, public_id in target.foreign.items():
            told = COUNTED.get(table, table)
            raise TransferError(
                f"Of the {told} in {wanted.folder}, {public_id} is somebody else's on this server. "
                "Nothing was imported."
            )
        path = services.data_dir / "imports" / f"{export.manifest.source}-{target.user_id}.json"
        ground = Ground(known, export.manifest, target, {})
        plan = await _plan(connection, ground, path, dry_run=dry_run)
        yield Prepared(export, known, target, plan, path)


async def _plan(connection: Connection, ground: Ground, path: Path, *, dry_run: bool) -> Plan:
    """Numbers for all of it, which are given to nobody else from then on."""
    if dry_run:
        ground = replace(ground, given=await putting_queries.given(connection, TABLES))
        return numbers.planned(ground, numbers.kept_at(path, ground))
    async with connection.transaction():
        await putting_queries.hold(connection, TABLES)
        ground = replace(ground, given=await putting_queries.given(connection, TABLES))
        plan = numbers.planned(ground, numbers.kept_at(path, ground))
        try:
            await asyncio.to_thread(numbers.keep_at, path, plan)
        except OSError as error:
            raise TransferError(f"{path} cannot be written: {error.strerror}.") from error
        await putting_queries.set_aside(connection, plan.aside)
    return plan


async def over_quota(services: Services, found: Prepared) -> list[str]:
    """Quotas that a user would be over; commands have none, and import all the same."""
    limits = services.settings.limits
    async with services.owner_sessions() as session:
        held = await quota_queries.holdings(session, found.target.user_id)
    new, there = found.new, found.target.there["file"]
    sizes: Mapping[str, int] = found.known.sizes
    added = sum(size for public_id, size in sizes.items() if public_id not in there)
    amounts = (
        ("assistants", held.assistants + new["assistants"], limits.quota_assistants),
        ("documents", held.documents + new["documents"], limits.quota_documents),
        ("bytes", held.bytes + added, limits.quota_bytes),
    )
    return [
        f"The account would have {amount} {what}; {most} are allowed."
        for what, amount, most in amounts
        if most is not None and amount > most
    ]
