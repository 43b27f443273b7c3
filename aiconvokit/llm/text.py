"""Text on its way to and from a model."""

import asyncio
import re
from collections.abc import Sequence
from itertools import pairwise

from ingestion.tokens import count_each

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def scrub(text: str) -> str:
    """Drop what neither UTF-8 nor Postgres can hold: NUL and lone surrogates."""
    if "\x00" not in text and _is_encodable(text):  # ten times as fast as the expression
        return text
    return _UNSTORABLE.sub("", text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def token_counts(texts: Sequence[str]) -> list[int]:
    """Count in a thread: thousands of passages would hold up the event loop for seconds."""
    return await asyncio.to_thread(count_each, texts)


def windows(text: str, count: int) -> list[str]:
    """Cut a text into up to `count` windows of nearly equal length, at white space where it can.

    Args:
        text: what to cut; nothing of it is lost.
        count: how many windows, at least 1.

    Returns:
        the windows in order, none of them empty (fewer than `count` for a tiny text).
    """
    bounds = [0]
    for number in range(1, count):
        wanted = len(text) * number // count
        space = text.rfind(" ", bounds[-1] + 1, wanted)
        # a space far away would make the windows too unequal for the limit they must respect
        near = space >= wanted - len(text) // (count * 4)
        bounds.append(space if near and space > 0 else wanted)
    bounds.append(len(text))
    cut = (text[start:end] for start, end in pairwise(bounds))
    return [window for window in cut if window]
