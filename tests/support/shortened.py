"""Sentences, with what a model may make of them and what it may not: each shorter, or reworded.

They stand in shortened.txt: "=" is a page, "+" follows from it, "-" does not. "?" follows from it,
too, but is refused so far.
"""

from dataclasses import dataclass
from pathlib import Path

_TEXT = Path(__file__).with_name("shortened.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Said:
    """A claim about a page, and whether it follows from it."""

    page: str
    claim: str
    is_true: bool
    is_found: bool


def said() -> list[Said]:
    """All claims."""
    found: list[Said] = []
    page = ""
    for line in filter(None, _TEXT.splitlines()):
        kind, text = line[0], line[2:]
        if kind == "=":
            page = text
        else:
            found.append(Said(page, text, kind in "+?", kind == "+"))
    return found
