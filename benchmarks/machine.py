"""Where a benchmark runs: a line for above its table."""

import platform
import time

import psutil

ADDITIONS = 2_000_000
TRIES = 3


def machine() -> str:
    """System, processors, how fast they are just now, and what else they do."""
    return (
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} CPUs "
        f"({ADDITIONS // 1_000_000} million additions in {_loop_ms():.0f} ms), "
        f"load {psutil.getloadavg()[0]:.1f}"
    )


def _loop_ms() -> float:
    """The speed of a processor differs by half from hour to hour where machines are shared."""
    return 1_000 * min(_loop_seconds() for _ in range(TRIES))


def _loop_seconds() -> float:
    begun, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.process_time() - begun
