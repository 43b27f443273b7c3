"""Statistics as tables for people, and as JSON for programs."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table as Grid

from aiconvokit.operations.stats.collected import Statistics

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
LEAST_BYTES = 100_000
"""Smaller tables are summed up as "others"."""


def as_json(found: Statistics) -> str:
    """One object."""
    return json.dumps(asdict(found), ensure_ascii=False)


def show(found: Statistics) -> None:
    """Tables on standard output."""
    console = Console()
    sizes, database = found.sizes, found.database
    console.print(
        f"{sizes.passages:,} passages in {sizes.collections:,} collections, {sizes.indexed:,} of "
        f"them indexed; {size(database.bytes)} on disk; {database.cached_share:.1%} of the pages "
        "that were read were in memory.",
        soft_wrap=True,
    )
    for grid in (_tables(found), _spaces(found), _collections(found), _queue(found)):
        if grid.row_count:
            console.print(grid)
    for name in found.lost_indexes:
        console.print(f"Left of a stopped build, the worker drops it: {name}", soft_wrap=True)


def size(count: float) -> str:
    """Bytes as a person reads them: 1.2 GB."""
    unit = 0
    while count >= 1_000 and unit + 1 < len(_UNITS):
        count, unit = count / 1_000, unit + 1
    return (
        f"{count:.0f} {_UNITS[unit]}"
        if unit == 0 or count >= 100
        else f"{count:.1f} {_UNITS[unit]}"
    )


def _grid(title: str, *columns: str, texts: int = 1) -> Grid:
    """A table whose first columns are texts, and the others numbers."""
    grid = Grid(title=title, title_justify="left")
    for number, column in enumerate(columns):
        grid.add_column(column, justify="left" if number < texts else "right")
    return grid


def _tables(found: Statistics) -> Grid:
    grid = _grid("Tables", "table", "rows", "dead", "data", "indexes", "bytes a row")
    others = 0
    for one in found.tables:
        whole = one.bytes + one.index_bytes
        if whole < LEAST_BYTES:
            others += whole
            continue
        a_row = f"{whole / one.rows:,.0f}" if one.rows else ""
        numbers = (f"{one.rows:,}", f"{one.dead:,}", size(one.bytes), size(one.index_bytes), a_row)
        grid.add_row(one.name, *numbers)
    if others:
        grid.add_row("others", "", "", size(others), "", "")
    return grid


def _spaces(found: Statistics) -> Grid:
    grid = _grid(
        "Embedding spaces",
        *("table", "model", "provider", "dimensions", "vectors", "dead"),
        *("collections", "on their way to it", "were in it"),
        texts=3,
    )
    rows = {one.name: (one.rows, one.dead) for one in found.tables}
    for one in found.spaces:
        live, dead = rows.get(f"vec_{one.id}", (0, 0))
        numbers = (one.dim, live, dead, one.collections, one.filled, one.left)
        grid.add_row(f"vec_{one.id}", one.model, one.provider, *(f"{each:,}" for each in numbers))
    return grid


def _collections(found: Statistics) -> Grid:
    grid = _grid(
        "Largest collections",
        *("collection", "name", "user", "vectors are", "documents", "passages", "index", "dead"),
        texts=4,
    )
    for one, index in zip(found.largest, found.indexes, strict=True):
        grid.add_row(
            one.public_id,
            one.name,
            one.username,
            index.state,
            f"{one.documents:,}",
            f"{one.passages:,}",
            size(index.bytes) if index.bytes else "",
            f"{index.dead_share:.1%}" if index.state == "indexed" else "",
        )
    return grid


def _queue(found: Statistics) -> Grid:
    grid = _grid("Queue", "what", "state", "count", "oldest, s", texts=2)
    for status, count in found.documents.items():
        grid.add_row("documents", status, f"{count:,}", "")
    for one in found.jobs:
        grid.add_row(f"job {one.task}", one.status, f"{one.count:,}", f"{one.oldest_seconds:,}")
    return grid
