"""`python -m benchmarks.soak --files 50000`: see `folder`."""

import argparse
import sys

from benchmarks.machine import machine
from benchmarks.soak.folder import soak

SHOWN = 20


def main() -> int:
    """Run it; 1 when something is missing or too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    _tell(machine())
    wrong = soak(arguments.files, arguments.seed, _tell)
    for line in wrong[:SHOWN]:
        _tell(f"  wrong: {line}")
    _tell(f"{len(wrong)} differences")
    return 1 if wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
