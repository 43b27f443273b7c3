"""What processes cost: CPU time and memory of a process and its children."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import psutil

SAMPLE_SECONDS = 0.05


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree, ended children included."""
    total = 0.0
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:  # ended meanwhile: its parent has its time now
            continue
        # macOS does not tell the children's
        total += times.user + times.system
        total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process tree in bytes; `pss` counts a page that n processes share as 1/n of it."""

    rss: int
    pss: int | None


def memory(pid: int) -> Memory:
    """Memory of a process tree now; PSS is known on Linux only."""
    root = psutil.Process(pid)
    full = []
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # ended meanwhile
            full.append(process.memory_full_info())
    shares = [getattr(one, "pss", None) for one in full]
    known = [share for share in shares if share is not None]
    return Memory(sum(one.rss for one in full), sum(known) if known else None)


class Peak:
    """The most memory in bytes that a process tree had while it was watched.

    `pss` is `rss` where it is not known.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="peak", daemon=True)
        self.pss = self.rss = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            now = memory(self._pid)
            self.rss = max(self.rss, now.rss)
            self.pss = max(self.pss, now.rss if now.pss is None else now.pss)


class Meter:
    """CPU time of some process trees from its making on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        self._began = time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds since then by name, and `wall`."""
        used = {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        return {**used, "wall": time.perf_counter() - self._began}
