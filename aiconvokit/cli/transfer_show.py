"""What `aiconvokit export` and `aiconvokit import` show."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from aiconvokit.operations.transfer.putting import Tell
from aiconvokit.operations.transfer.taking import Sum

CHANGED_SHOWN = 20
"""Numbers that changed; the file has all."""


@contextmanager
def progress(totals: Mapping[str, int]) -> Iterator[Tell]:
    """A bar on a terminal, nothing elsewhere; `totals` by what is told, where they are known."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task("Reading", total=None)

        def tell(what: str, count: int) -> None:
            total = totals.get(what)
            bar.update(shown, description=what, completed=count, total=total)

        yield tell


def show_sum(found: Sum, *, dry_run: bool) -> None:
    """What an export has, or would have."""
    for kind, rows in found.rows.items():
        print(f"{kind:14} {rows:>10}")
    size = (found.original_bytes + found.line_bytes) / 1_000_000
    print(f"{'originals':14} {found.originals:>10}")
    print(f"{'Would be' if dry_run else 'In all'} {size:.1f} MB.")
    if found.left_out:
        print(
            f"{found.left_out} citations of other people's documents are left out.", file=sys.stderr
        )
    for digest in found.missing:
        print(f"  lost: the bytes of {digest} are not in storage", file=sys.stderr)


def show_new(new: Mapping[str, int], there: int, *, dry_run: bool) -> None:
    """How many there are of what an import brings, or would bring."""
    said = ", ".join(f"{what} {count}" for what, count in new.items() if count)
    known = f" {there} are there already, and stay as they are." if there else ""
    print(f"{'Would import' if dry_run else 'Imported'}: {said or 'nothing'}.{known}")


def show_changes(changes: Sequence[tuple[str, int, int]]) -> None:
    """Numbers that are others here."""
    if not changes:
        return
    print("Numbers of /api/v1 that changed, since they were given here before:")
    for table, old, new in changes[:CHANGED_SHOWN]:
        print(f"  {table:10} {old:>12} -> {new}")
    if len(changes) > CHANGED_SHOWN:
        print(f"  … and {len(changes) - CHANGED_SHOWN} more")
