"""`python -m benchmarks.web`: how much the page and the widget load, and how long they take."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.machine import machine
from benchmarks.printing import table
from benchmarks.web.browser import chromium
from benchmarks.web.scene import scene, stage
from benchmarks.web.sizes import Size, sizes
from benchmarks.web.timings import LINES, TRIES, Timing, timings


def report(head: str, found: Sequence[Size], measured: Sequence[Timing]) -> str:
    """Both tables, in Markdown."""
    return "\n".join([head, "", *_sizes(found), "", *_timings(measured)]) + "\n"


def _sizes(found: Sequence[Size]) -> list[str]:
    rows = [
        [one.part, str(one.requests), f"{one.raw / 1_000:.1f}", f"{one.sent / 1_000:.1f}"]
        for one in found
    ]
    return table([["", "requests", "raw, kB", "as sent, kB"], *rows])


def _timings(measured: Sequence[Timing]) -> list[str]:
    rows = [[f"median of {TRIES}, ms", *(line.name for line in LINES)]]
    for what in dict.fromkeys(one.what for one in measured):
        by_line = {one.line: one.milliseconds for one in measured if one.what == what}
        rows.append([what, *(f"{by_line[line.name]:,.0f}" for line in LINES)])
    return table(rows)


def main() -> None:
    """Measure and print."""
    with chromium() as browser, stage() as (url, model), scene(url, model) as found:
        head = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; Chromium {browser.version}"
        sys.stdout.write(report(head, list(sizes(browser, found)), list(timings(browser, found))))


if __name__ == "__main__":
    main()
