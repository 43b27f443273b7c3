"""What users were promised: an entry for each thing that an answer with 2xx told of."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that must be at an address, with these values among its fields.

    `content` are the bytes at `content/` below it; `within` is what it goes away with.
    """

    fields: Mapping[str, Any]
    within: str | None = None
    content: bytes | None = None


class Ledger:
    """What one user was promised. An address is in one of these, or its state is unknown."""

    def __init__(self) -> None:
        self.there: dict[str, Entry] = {}
        self.gone: set[str] = set()

    def promise(self, address: str, entry: Entry) -> None:
        """It was acknowledged."""
        self.there[address] = entry

    def delete(self, address: str, *, is_sure: bool) -> None:
        """It was deleted, with all that goes with it; or perhaps: nobody answered."""
        for one in [name for name, entry in self.there.items() if entry.within == address]:
            self.delete(one, is_sure=is_sure)
        self.there.pop(address, None)
        if is_sure:
            self.gone.add(address)


@dataclass(slots=True)
class Traffic:
    """What all users sent, and what came of it."""

    sent: int = 0
    acknowledged: int = 0
    lost: int = 0
    """Nobody knows what came of them: the connection broke behind the request."""
    unreachable: int = 0
    """Nobody listened."""
    refused: Counter[str] = field(default_factory=Counter)
    """By status and code."""
    slowest_refusal: float = 0.0
    """Of 503, in seconds."""
    wrong: list[str] = field(default_factory=list)
    """Answers that must not be, in sentences."""
    answered: list[tuple[float, float]] = field(default_factory=list)
    """Begin and end of each request that was answered with 2xx, by the monotonic clock."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def recovered(self, killed_at: float) -> float | None:
        """Seconds from a kill to the end of the first request begun after it that was answered."""
        ends = [end for began, end in self.answered if began > killed_at]
        return min(ends) - killed_at if ends else None

    def count(self, outcome: str, began: float) -> None:
        """Count a request: acknowledged, lost, unreachable, or a refusal's status and code."""
        now = time.monotonic()
        with self.lock:
            self.sent += 1
            if outcome == "acknowledged":
                self.acknowledged += 1
                self.answered.append((began, now))
            elif outcome == "lost":
                self.lost += 1
            elif outcome == "unreachable":
                self.unreachable += 1
            else:
                self.refused[outcome] += 1
                if outcome.startswith("503"):
                    self.slowest_refusal = max(self.slowest_refusal, now - began)

    def complain(self, sentence: str) -> None:
        """Write down what must not be."""
        with self.lock:
            self.wrong.append(sentence)
