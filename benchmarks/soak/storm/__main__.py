"""`make soak`, `python -m benchmarks.soak.storm --seconds 60 --seed 7`: see `storm`."""

import argparse
import sys
from datetime import UTC, datetime

from benchmarks.machine import machine
from benchmarks.soak.storm.processes import launch
from benchmarks.soak.storm.storm import storm
from benchmarks.turns.servers import fake_model
from benchmarks.turns.vectors import MODEL

SHOWN = 20
CHAT_MODEL = "fake@100x50"
"""Answers of half a second, so that some are in work when their server dies."""


def main() -> int:
    """Run it; 1 when anything was lost, left behind or done twice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak.storm")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    _tell(machine())
    _tell(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {arguments.seconds:g} s, seed {arguments.seed}")
    with fake_model() as model:
        environment = {
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "sk-none",
            "AICONVOKIT_EMBEDDING_MODEL": MODEL,
            "AICONVOKIT_CHAT_MODEL": CHAT_MODEL,
        }
        found = storm(arguments.seconds, arguments.seed, environment, launch)
    for line in found.lines():
        _tell(line)
    for line in found.wrong[:SHOWN]:
        _tell(f"  wrong: {line}")
    return 1 if found.wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
