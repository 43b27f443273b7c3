"""Is all that we ship under licences that we allow? With --write: list them in docs/licences.md.

Shipped is what requirements/local.txt locks; what is not installed here is for another platform.
"""

import re
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "licences.md"

# All let us ship AIConvoKit under its own licence. The last two ask that their own files, changed,
# stay under them: we change none.
ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python"),
    *("ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib"),
    *("LGPL-3.0-only", "MPL-2.0"),
}
SPELLINGS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# "BSD-3-Clause, Apache-2.0, dependency licenses": those of PDFium, which are in its wheel.
TOLD_BY_HAND = {"pypdfium2": "BSD-3-Clause AND Apache-2.0"}

HEAD = """\
# Licences

What AIConvoKit stands on, as its packages say themselves. `make check` refuses what is not among
the licences that we allow (`requirements/check_licences.py`); `make format` writes this table.

| package | licence |
|---|---|
"""


def locked() -> list[str]:
    """Names of all packages that are shipped."""
    lock = (HERE / "local.txt").read_text()
    return sorted({found[1] for found in re.finditer(r"^([\w.-]+)==", lock, re.MULTILINE)})


def licence_of(name: str) -> str | None:
    """An SPDX expression, as near as the package's metadata come to one; None: not installed."""
    try:
        told = metadata.distribution(name).metadata
    except metadata.PackageNotFoundError:
        return None
    if name in TOLD_BY_HAND:
        return TOLD_BY_HAND[name]
    if "License-Expression" in told:
        return told["License-Expression"]
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or []
                  if one.startswith("License :: ")]  # fmt: skip
    # Some put the whole text where its name belongs; it begins with the name.
    written = told["License"].strip().partition("\n")[0] if "License" in told else "unknown"
    return " AND ".join(sorted({SPELLINGS.get(one, one) for one in classified or [written]}))


def named_in(expression: str) -> set[str]:
    """All licences of an expression: where one may choose, both are ours to allow."""
    return set(re.split(r"\s+(?:AND|OR|WITH)\s+", expression.strip("() ")))


def main() -> int:
    """Look at each; 1 when one is not allowed, or not in the table as it is."""
    found = {name: licence for name in locked() if (licence := licence_of(name))}
    refused = {name: licence for name, licence in found.items() if not named_in(licence) <= ALLOWED}
    for name, licence in refused.items():
        sys.stderr.write(f"{name} is under {licence}: not among the licences that we allow.\n")
    rows = {f"| {name} | {licence} |\n" for name, licence in found.items()}
    if "--write" in sys.argv:
        TABLE.write_text(HEAD + "".join(sorted(rows)))
    elif not TABLE.exists() or not rows <= set(TABLE.read_text().splitlines(keepends=True)):
        sys.stderr.write("docs/licences.md is not what is installed. Run: make format\n")
        return 1
    return 1 if refused or not found else 0


if __name__ == "__main__":
    sys.exit(main())
