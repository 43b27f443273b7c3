"""`python -m benchmarks.fuzz --minutes 10`: what generated requests come to.

The shipped server describes itself; schemathesis makes requests of that, right and wrong, for every
operation of both surfaces, again and again with other seeds, each round as a new user with one of
everything. A status of 500 or more, or a server that ended, is a finding (status 1).
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from benchmarks.fuzz.things import Things, made
from benchmarks.machine import machine
from benchmarks.printing import table, tell
from benchmarks.web import model
from benchmarks.web.server import serving

EXAMPLES = 8
"""Of each operation in a round, right and wrong."""
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SURFACES = ("/api/v1", "/v1")
SHOWN = 20
FAULT = 500


class Tally:
    """Statuses by surface, and what must not be."""

    def __init__(self) -> None:
        self.statuses: dict[str, Counter[int]] = {surface: Counter() for surface in SURFACES}
        self.faults: list[str] = []

    def note(self, surface: str, case: Any, status: int) -> None:
        """Count an answer."""
        self.statuses[surface][status] += 1
        if status >= FAULT:
            self.faults.append(f"{status}: {case.as_curl_command()}")


def round_of(url: str, things: Things, number: int, until: float, tally: Tally) -> None:
    """Every operation with its examples, as one user; what deletes comes last."""
    headers = {"Authorization": f"Bearer {things.token}"}
    document = httpx.get(f"{url}/schema/openapi.json", headers=headers, trust_env=False).json()
    described = schemathesis.openapi.from_dict(document)
    found = [one.ok() for one in described.get_all_operations() if isinstance(one, Ok)]
    found.sort(key=lambda one: (one.method == "delete", "token" in one.path, "users" in one.path))
    for operation in found:
        surface = next((one for one in SURFACES if operation.path.startswith(f"{one}/")), None)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if time.monotonic() > until:
                return
            if surface is not None:
                asked = seed(number)(
                    BOUNDED(
                        given(operation.as_strategy(generation_mode=mode))(
                            _asking(url, headers, things, surface, tally)
                        )
                    )
                )
                with suppress(Unsatisfiable):  # nothing to get wrong: no parameters, no body
                    asked()


def _asking(
    url: str, headers: Mapping[str, str], things: Things, surface: str, tally: Tally
) -> Callable[[Any], None]:
    """Sends a request, two of three with ids that exist, and counts the answer."""

    def ask(case: Any) -> None:
        for name in case.path_parameters:
            known = things.ids.get(f"{surface} {name}")
            if known is not None and _has_known_ids(case):
                case.path_parameters[name] = known
        answer = case.call(base_url=url, headers=headers)
        tally.note(surface, case, answer.status_code)

    return ask


def _has_known_ids(case: Any) -> bool:
    """Whether this one has ids that exist: two of three."""
    return hash(str(case.path_parameters) + str(case.query)) % 3 > 0


def report(tally: Tally, rounds: int, seconds: float) -> Sequence[str]:
    """A table of statuses by hundreds."""
    rows = [["surface", "requests", "2xx", "4xx", "5xx"]]
    for surface, statuses in tally.statuses.items():
        by_hundred = Counter[int]()
        for status, number in statuses.items():
            by_hundred[status // 100] += number
        counts = [statuses.total(), *(by_hundred[hundred] for hundred in (2, 4, 5))]
        rows.append([surface, *(f"{one:,}" for one in counts)])
    return [*table(rows), "", f"{rounds} rounds in {seconds:.0f} s"]


def main() -> int:
    """Run it; 1 when there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began, rounds, tally = time.monotonic(), 0, Tally()
    until = began + 60 * asked.minutes
    with model.running({}, "") as fake, serving(fake.base_url) as url:
        while time.monotonic() < until:
            round_of(url, made(url), asked.seed + rounds, until, tally)
            rounds += 1
            tell(f"{rounds} rounds, {len(tally.faults)} faults")
        lives = httpx.get(f"{url}/health/ready", trust_env=False).status_code == httpx.codes.OK
    lines = report(tally, rounds, time.monotonic() - began)
    head = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
    findings = [*tally.faults[:SHOWN], *([] if lives else ["the server is not ready any more"])]
    sys.stdout.write("\n".join([head, "", *lines, *findings, ""]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
