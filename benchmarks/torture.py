"""What hostile files come to: `python -m benchmarks.torture FOLDER`.

Every file of the folder goes through the sandbox as an upload would, one after the other, and a
good file after each one that was refused for what it cost. With `--server` they go to a running
server instead (its token is asked for), while its `/health/live` is timed: its workers must live,
and the next good file be ready.
"""

import argparse
import asyncio
import getpass
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import machine
from benchmarks.printing import table
from ingestion.errors import IngestionError
from ingestion.load import HEAD_BYTES, sniff
from ingestion.parse.limits import Limits
from ingestion.parse.sandbox import Sandbox

GOOD = b"# Lease\n\nThe rent of the house is EUR 900 a month.\n"
GOOD_SECONDS = 10.0
"""Until the next good file must be ready."""

BATCH = 10
"""Files that are uploaded together."""

POLL_SECONDS = 0.2
OVER = frozenset({"ready", "failed"})
API = "/api/v1"


@dataclass(slots=True)
class Results:
    """Files and seconds by outcome."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: list[tuple[float, str, str]] = field(default_factory=list)
    good: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)

    def note(self, name: str, outcome: str, seconds: float) -> None:
        """One file's end."""
        self.seconds[outcome].append(seconds)
        self.slowest = sorted([*self.slowest, (seconds, outcome, name)], reverse=True)[:10]

    def report(self) -> str:
        """As Markdown."""
        rows = [["outcome", "files", "s, median", "s, longest"]]
        for outcome, seconds in sorted(self.seconds.items()):
            middle, most = statistics.median(seconds), max(seconds)
            rows.append([f"`{outcome}`", str(len(seconds)), f"{middle:.2f}", f"{most:.2f}"])
        lines = [
            machine(),
            "",
            *table(rows),
            "",
            "Slowest:",
            *(f"- {s:.1f} s `{code}` {name}" for s, code, name in self.slowest),
        ]
        if self.good:
            lines += [
                "",
                f"Good files after them: {len(self.good)}, at most {max(self.good):.2f} s.",
            ]
        if self.health:
            low, *_, high = statistics.quantiles(self.health, n=100)
            middle = statistics.median(self.health)
            lines.append(
                f"/health/live meanwhile: {len(self.health)} times, p1 {low * 1e3:.1f} ms, "
                f"p50 {middle * 1e3:.1f} ms, p99 {high * 1e3:.1f} ms."
            )
        return "\n".join(lines)


async def through_sandbox(paths: Sequence[Path], root: Path) -> Results:
    """Each file by itself."""
    results = Results()
    with closing(Sandbox(Limits())) as sandbox:
        for path in paths:
            data = path.read_bytes()
            began = time.monotonic()
            outcome = await _outcome(sandbox, path.name, data)
            results.note(str(path.relative_to(root)), outcome, time.monotonic() - began)
            if outcome in {"timeout", "memory", "too_complex", "parser_crashed"}:
                began = time.monotonic()
                if await _outcome(sandbox, "good.md", GOOD) != "ready":
                    raise RuntimeError(f"A good file is not read after {path}.")
                results.good.append(time.monotonic() - began)
    return results


async def _outcome(sandbox: Sandbox, name: str, data: bytes) -> str:
    try:
        media_type = sniff(name, data[:HEAD_BYTES])
    except IngestionError:
        media_type = "application/octet-stream"
    try:
        await sandbox.parse(data, media_type, name)
    except IngestionError as error:
        return error.code
    return "ready"


async def through_server(paths: Sequence[Path], root: Path, url: str, token: str) -> Results:
    """In batches, as somebody would upload them."""
    results = Results()
    headers = {"Authorization": f"Token {token}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=60, trust_env=False
    ) as client:
        fields = {"name": "Torture", "company_name": "Acme", "instructions": "Be brief."}
        made = (await client.post(f"{API}/assistants/", json=fields)).raise_for_status().json()
        place = f"{API}/assistants/{made['id']}/documents/"
        pulse = asyncio.create_task(_pulse(client, results))
        for first in range(0, len(paths), BATCH):
            batch = paths[first : first + BATCH]
            await _upload(client, place, batch, root, results)
            began = time.monotonic()
            content = GOOD + str(first).encode()
            answer = await client.post(place, files=[("files", (f"good-{first}.md", content))])
            await _finished(client, f"{place}{answer.raise_for_status().json()[0]['id']}/")
            results.good.append(time.monotonic() - began)
        if pulse.done():
            pulse.result()  # raises: the server did not answer
        pulse.cancel()
    return results


async def _upload(
    client: httpx.AsyncClient, place: str, batch: Sequence[Path], root: Path, results: Results
) -> None:
    paths = {f"{index}-{path.name}": path for index, path in enumerate(batch)}
    files = [("files", (name, path.read_bytes())) for name, path in paths.items()]
    began = time.monotonic()

    async def follow(document: dict[str, Any]) -> None:
        found = await _finished(client, f"{place}{document['id']}/")
        outcome = found["error"]["code"] if found["error"] else "ready"
        path = paths[document["filename"]]
        results.note(str(path.relative_to(root)), outcome, time.monotonic() - began)

    answer = (await client.post(place, files=files)).raise_for_status()
    async with asyncio.TaskGroup() as group:
        for document in answer.json():
            group.create_task(follow(document))


async def _finished(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = (await client.get(url)).raise_for_status().json()
        if found["status"] in OVER:
            return found
        await asyncio.sleep(POLL_SECONDS)


async def _pulse(client: httpx.AsyncClient, results: Results) -> None:
    """How long the API takes for what costs it nothing, again and again."""
    while True:
        began = time.monotonic()
        (await client.get("/health/live")).raise_for_status()
        results.health.append(time.monotonic() - began)
        await asyncio.sleep(POLL_SECONDS)


def main() -> int:
    """Print the table; 1 when a good file had to wait for too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--server", metavar="URL", help="send them to a running server")
    arguments = parser.parse_args()
    root: Path = arguments.folder
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    if arguments.server:
        results = asyncio.run(
            through_server(paths, root, arguments.server, getpass.getpass("Token: "))
        )
    else:
        results = asyncio.run(through_sandbox(paths, root))
    sys.stdout.write(f"{results.report()}\n")
    return int(any(seconds > GOOD_SECONDS for seconds in results.good))


if __name__ == "__main__":
    sys.exit(main())
