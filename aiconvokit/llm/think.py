"""Takes a model's reasoning out of its answer while it streams."""

from enum import Enum, auto

OPEN, CLOSE = "<think>", "</think>"


class _Place(Enum):
    BEFORE = auto()  # nothing but white space came yet: a tag may follow
    REASONING = auto()
    ANSWER = auto()


class ThinkFilter:
    """Drops `<think>…</think>` before the answer.

    Some chat templates open the tag in the prompt, so that only the closing tag comes. What
    streamed before it turns out to be reasoning: `took_back` becomes True and `feed` returns what
    follows. With `opened`, a filter expects that and holds back until the tag closes. Either way
    `closes_only` becomes True.

    Tags inside the answer stay: a document may be about them.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self.took_back = False
        self.closes_only = False
        self._opened = opened
        self._place = _Place.BEFORE
        self._held = ""
        self._searched = 0
        self._tag_seen = False

    def feed(self, piece: str) -> str:
        """Take the next piece; returns what is certainly part of the answer."""
        self._held += piece
        if self._place is _Place.BEFORE:
            self._begin()
        while self._place is _Place.REASONING and self._skip():
            pass  # another block may follow the first
        if self._place is _Place.ANSWER:
            return self._release()
        return ""

    def end(self) -> str:
        """What is left to say when the answer is over."""
        reasoning = self._place is _Place.REASONING and not self._opened
        rest, self._held = self._held, ""
        return "" if reasoning else rest

    def _begin(self) -> None:
        self._held = self._held.lstrip()
        if self._held.startswith(OPEN):
            self._held = self._held.removeprefix(OPEN)
            self._place, self._tag_seen, self._opened = _Place.REASONING, True, False
        elif not OPEN.startswith(self._held):
            self._place = _Place.REASONING if self._opened else _Place.ANSWER

    def _skip(self) -> bool:
        """Go to the closing tag; False when it has not come yet."""
        at = self._held.find(CLOSE, self._searched)
        if at >= 0:
            self.closes_only = self.closes_only or self._opened
            self._close(at)
        elif self._opened:  # kept: without a closing tag it was no reasoning after all
            self._searched = max(0, len(self._held) - len(CLOSE) + 1)
        else:
            self._held = self._held[-len(CLOSE) + 1 :]
        return at >= 0

    def _close(self, at: int) -> None:
        self._held = self._held[at + len(CLOSE) :]
        self._place, self._tag_seen, self._opened, self._searched = _Place.BEFORE, True, False, 0
        self._begin()

    def _release(self) -> str:
        opens, closes = self._held.find(OPEN), self._held.find(CLOSE)
        if not self._tag_seen and closes >= 0 and not 0 <= opens < closes:
            self.took_back = self.closes_only = True
            self._close(closes)
            return self.feed("")
        self._tag_seen = self._tag_seen or opens >= 0
        kept = 0 if self._tag_seen else _tag_begun(self._held)
        cut = len(self._held) - kept
        released, self._held = self._held[:cut], self._held[cut:]
        return released


def _tag_begun(text: str) -> int:
    """Length of the longest end of the text that may be the beginning of a tag."""
    longest = min(len(text), len(CLOSE) - 1)
    for length in range(longest, 0, -1):
        if OPEN.startswith(text[-length:]) or CLOSE.startswith(text[-length:]):
            return length
    return 0
