"""Are vulnerabilities known in what is locked? It asks the network, so it is no part of CI.

pip-audit is installed into a virtual environment of its own: nothing of it is shipped or locked.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOM = HERE.parent / ".venv" / "audit"
TOOL = "pip-audit>=2.9,<3"
PROBE = "jinja2==2.4.1\n"
"""Known to be vulnerable: who finds nothing in it has no advisories at all."""
NOT_KNOWN = "Whether anything is known against what is locked cannot be told"


class Failed(Exception):
    """There is no answer; the sentence says why."""


def tool() -> Path:
    """The Python that has pip-audit."""
    python = ROOM / "bin" / "python"
    try:
        if not python.exists():
            venv.create(ROOM, with_pip=True)
        command = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", TOOL]
        subprocess.run(command, check=True)  # noqa: S603  # our own words
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"{NOT_KNOWN}: pip-audit cannot be installed.") from error
    return python


def audited(python: Path, files: list[Path], *options: str) -> list[dict[str, Any]]:
    """Packages of some requirements, each with what is known against it."""
    command = [
        *(str(python), "-m", "pip_audit", "--strict", "--disable-pip", "--format", "json"),
        *("--progress-spinner", "off", *options),
        *(part for file in files for part in ("--requirement", str(file))),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise Failed(f"{NOT_KNOWN}: pip-audit had no answer ({said[-1][:200]}).") from error
    return found


def require_advisories(python: Path) -> None:
    """Find out whether anything is known of anything."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe.txt"
        probe.write_text(PROBE)
        found = audited(python, [probe], "--no-deps")
    if not any(one.get("vulns") for one in found):
        raise Failed(f"{NOT_KNOWN}: the package index has no advisories.")


def main() -> int:
    """Ask; 1 when something is known, 2 when nothing can be told."""
    try:
        python = tool()
        require_advisories(python)
        found = audited(python, sorted(HERE.glob("*.txt")), "--require-hashes")
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 2
    known = [one for one in found if one.get("vulns")]
    for one in known:
        for flaw in one["vulns"]:
            fixed = ", ".join(flaw["fix_versions"]) or "no version yet"
            sys.stderr.write(f"{one['name']} {one['version']}: {flaw['id']}, fixed in {fixed}\n")
    sys.stdout.write(f"{len(found)} packages, {len(known)} with known vulnerabilities.\n")
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
