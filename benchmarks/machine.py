"""Where a benchmark runs: a line for above its table."""

import platform

import psutil


def machine() -> str:
    """System, processors, and what else they do."""
    return (
        f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} CPUs, "
        f"load {psutil.getloadavg()[0]:.1f}"
    )
