"""Lines become passages of one size that an owner chose."""

from collections.abc import Sequence

from ingestion.chunk.lines import Line
from ingestion.chunk.pack import MOST_TOKENS
from ingestion.cutting import Cutting


def bounded(cutting: Cutting) -> Cutting:
    """What is done of a cutting: the embedder reads no passage of more than `MOST_TOKENS`.

    Of an overlap at most half a passage is done: the rest must get on.
    """
    most = min(cutting.most, MOST_TOKENS)
    return Cutting(most, min(cutting.overlap, most // 2))


def pack_evenly(lines: Sequence[Line], cutting: Cutting) -> list[list[Line]]:
    """Passages of consecutive lines, each as full as can be, none empty, in order.

    A passage begins with the last whole lines of the one before it, of `overlap` tokens together at
    most, and with fewer where a long line follows them.

    Args:
        lines: none of more than `most` tokens.
        cutting: one that is `bounded`.
    """
    done: list[list[Line]] = []
    current: list[Line] = []
    tokens = 0
    for line in lines:
        if current and tokens + line.tokens > cutting.most:
            done.append(current)
            current = _last(current, min(cutting.overlap, cutting.most - line.tokens))
            tokens = sum(one.tokens for one in current)
        current.append(line)
        tokens += line.tokens
    return [*done, current] if current else done


def _last(lines: Sequence[Line], most: int) -> list[Line]:
    """The last lines that have so many tokens together."""
    start, tokens = len(lines), 0
    while start and tokens + lines[start - 1].tokens <= most:
        start -= 1
        tokens += lines[start].tokens
    return list(lines[start:])
