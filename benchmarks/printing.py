"""What benchmarks print: tables in Markdown on standard output, progress beside it."""

import sys
from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; the first row is its head."""
    head, *others = rows
    rows = [head, ["---"] * len(head), *others]
    return ["".join(f"| {cell} " if cell else "| " for cell in row) + "|" for row in rows]


def tell(what: str) -> None:
    """Progress, apart from the table."""
    sys.stderr.write(f"{what}\n")
