"""What the load process is told, and what it tells: JSON, a line each."""

import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

Kind = Literal["turn", "turn stream", "search", "model", "model stream"]
"""A turn as one answer or as events, a search, the model asked directly (whole or streamed)."""


class Job(msgspec.Struct, frozen=True):
    """One measurement: `at_once` clients for `seconds`, on chats of `chat_turns` turns each."""

    kind: Kind
    base_url: str
    at_once: int = 1
    seconds: float = 5.0
    token: str | None = None
    assistant_ids: tuple[int, ...] = ()
    chat_ids: tuple[int, ...] = ()
    """Chats to go on with, one a client; none: new ones are made."""
    chat_turns: int = 6
    model: str = "fake"
    prompt_characters: int = 0
    questions: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What the clients saw: seconds of each answer, and of each first piece where there is one."""

    seconds: list[float]
    firsts: list[float]
    wall: float
    errors: list[str]
    streamed: bool
    """Whether the server streamed when it was asked to."""
    cited: int = 0
    """Answers with a citation."""

    @property
    def count(self) -> int:
        return len(self.seconds)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / self.wall

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def first_p50(self) -> float:
        """Median until the first piece; of the whole answer where nothing is streamed."""
        return statistics.median(self.firsts or self.seconds)

    def quantile(self, share: float) -> float:
        """The time that so many of the answers stayed under."""
        return quantile(self.seconds, share)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
