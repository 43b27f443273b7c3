"""`python -m benchmarks.web`: how much the page and the widget load, and how long they take."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.machine import machine
from benchmarks.web.browser import chromium
from benchmarks.web.scene import scene, stage
from benchmarks.web.sizes import Size, sizes
from benchmarks.web.timings import LINES, TRIES, Timing, timings


def report(head: str, found: Sequence[Size], measured: Sequence[Timing]) -> str:
    """Both tables, in Markdown."""
    return "\n".join([head, "", *_sizes(found), "", *_timings(measured)]) + "\n"


def _sizes(found: Sequence[Size]) -> Iterator[str]:
    yield "| | requests | raw, kB | as sent, kB |"
    yield "|---|---|---|---|"
    for one in found:
        yield f"| {one.part} | {one.requests} | {one.raw / 1_000:.1f} | {one.sent / 1_000:.1f} |"


def _timings(measured: Sequence[Timing]) -> Iterator[str]:
    yield f"| median of {TRIES}, ms | " + " | ".join(line.name for line in LINES) + " |"
    yield "|---" * (len(LINES) + 1) + "|"
    for what in dict.fromkeys(one.what for one in measured):
        by_line = {one.line: one.milliseconds for one in measured if one.what == what}
        cells = (f"{by_line[line.name]:,.0f}" for line in LINES)
        yield f"| {what} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    with chromium() as browser, stage() as (url, model), scene(url, model) as found:
        head = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; Chromium {browser.version}"
        sys.stdout.write(report(head, list(sizes(browser, found)), list(timings(browser, found))))


if __name__ == "__main__":
    main()
