"""Numbers on the new server: as they were where it never gave them, else new ones.

A number that a server gave once is never given again, not even after a deletion: what was deleted
is still spoken of. So a number is free that is larger than any that was given. All that an import
will need is set aside in one step, and written down: an import that was killed goes on with it, and
one that is done again knows what it called things that are gone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aiconvokit.durable import fsync_folder
from aiconvokit.operations.transfer.known import Known
from aiconvokit.operations.transfer.manifest import Manifest
from aiconvokit.operations.transfer.putting_queries import Target
from aiconvokit.storage import PART

NAMED = ("assistant", "document", "chat", "widget")
SHOWN = (*NAMED, "deletion")
"""Tables whose numbers people and programs know: each that can is kept."""
ORDERING = ("collection", "file", "thread", "message", "run", "file_batch")
"""Those of the others say what came first: all are kept, or all are moved by the same."""
TABLES = (*SHOWN, *ORDERING)


class Plan(Struct):
    """What is called what.

    Attributes:
        source: whose data it is, on which server.
        export: the export that it was made for.
        made_at: when the user was made who gets it: another database has another.
        aside: by table, the largest number that nobody else is given.
        numbers: by table of those shown, old number -> new one.
        moved: by table of the others, what is added.
        is_finished: whether all of it is there.
    """

    source: str
    export: str
    made_at: datetime
    aside: dict[str, int]
    numbers: dict[str, dict[int, int]]
    moved: dict[str, int]
    is_finished: bool = False

    def new(self, table: str, number: int) -> int:
        """What a number is on this server."""
        if table in self.moved:
            return number + self.moved[table]
        return self.numbers[table][number]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a plan is made on.

    Attributes:
        known: the export, and what it says of itself.
        manifest: as above.
        target: who gets it, and what of it is there already.
        given: by table, the largest number that the server has given.
    """

    known: Known
    manifest: Manifest
    target: Target
    given: Mapping[str, int]

    def there(self, table: str) -> dict[int, int]:
        """Old number -> new one, of what an earlier import brought."""
        there = self.target.there.get(table, {})
        return {old: there[one] for one, old in self.known.ids[table].items() if one in there}


def planned(ground: Ground, earlier: Plan | None) -> Plan:
    """Numbers for all that an export speaks of; `earlier` are those of the last try."""
    manifest, target = ground.manifest, ground.target
    plan = Plan(manifest.source, manifest.export, target.made_at, {}, {}, {})
    if earlier is not None and not earlier.is_finished and earlier.export == manifest.export:
        return earlier
    for table in SHOWN:
        called = {} if earlier is None else earlier.numbers[table]
        numbers = dict(_kept(ground, table, called))
        plan.aside[table] = max([ground.given[table], *numbers.values()])
        for old in sorted(ground.known.numbers(table) - numbers.keys()):
            plan.aside[table] += 1
            numbers[old] = plan.aside[table]
        plan.numbers[table] = called | numbers
    for table in ORDERING:
        given, numbers_there = ground.given[table], ground.known.numbers(table)
        moved = max(0, given - min(numbers_there, default=given + 1) + 1)
        plan.moved[table] = moved
        plan.aside[table] = max(given, max(numbers_there, default=0) + moved)
    return plan


def _kept(ground: Ground, table: str, called: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Numbers that need no new one."""
    there = ground.there(table)
    for old in ground.known.numbers(table):
        if old in there:
            yield old, there[old]
        elif old in called and old in ground.known.gone[table]:
            yield old, called[old]
        elif old > ground.given[table]:
            yield old, old


def kept_at(path: Path, ground: Ground) -> Plan | None:
    """The plan that an earlier try made and set aside; None: there is none that still holds."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Plan)
    except (OSError, msgspec.MsgspecError):
        return None
    same = (found.source, found.made_at) == (ground.manifest.source, ground.target.made_at)
    is_aside = all(ground.given[table] >= found.aside[table] for table in TABLES)
    return found if same and is_aside else None


def keep_at(path: Path, plan: Plan) -> None:
    """Write a plan down; blocks."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(PART + path.name)
    part.write_bytes(msgspec.json.encode(plan))
    part.replace(path)
    fsync_folder(path.parent)


def changes(known: Known, plan: Plan) -> list[tuple[str, int, int]]:
    """What is there and called otherwise now: table, old number, new one."""
    return [
        (table, old, plan.numbers[table][old])
        for table in NAMED
        for old in sorted(known.ids[table].values())
        if plan.numbers[table][old] != old
    ]


def renamed_rows(parameters: dict[str, Any], rows: Mapping[int, int]) -> dict[str, Any]:
    """A run's parameters with the numbers of messages that they hold.

    Args:
        parameters: of `said.Run`, checked.
        rows: old number -> new one, of the messages of its thread: no others are let in.
    """
    found = dict(parameters)
    if "first_row" in found:
        found["first_row"] = rows.get(found["first_row"], 0)
    if "rounds" in found:
        found["rounds"] = [{**one, "said": rows.get(one["said"])} for one in found["rounds"]]
    return found
