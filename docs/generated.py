"""Parts of pages that are made from the code: compared by `make check`, written by `--write`."""

import sys
from pathlib import Path

BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"


def keep(page: Path, table: str, command: str) -> int:
    """Compare a page's table with what it should be, or write it; the status for the shell."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    made = before + BEGIN + table + END + after
    if made == page.read_text():
        return 0
    if "--write" in sys.argv[1:]:
        page.write_text(made)
        return 0
    sys.stderr.write(f"docs/{page.name} is not as the code is: python {command} --write\n")
    return 1
