"""Where words stand on a page: boxes by line, from the places of single characters.

Places are `PLACE` records, one for each character of the page's stored text: left, top, right and
bottom as fractions of the page in 1/`SCALE`, origin at the top left, as the page is drawn. A
character without a place (a space, or one that the page does not draw) has zeros.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PLACE = struct.Struct("<4H")
SCALE = 65_535
NOWHERE = bytes(PLACE.size)

_MIN_OVERLAP = 0.3
"""Of the lower of two neighbours' heights: a raised or lowered figure still belongs to its line."""

_MAX_GAP = 3.0
"""Between neighbours, in heights of the line: beyond it is another cell, or another column."""

_DECIMALS = 5


class Box(NamedTuple):
    """A part of a page in 0..1 of its width and height, origin at the top left."""

    x: float
    y: float
    width: float
    height: float


class _Edges(NamedTuple):
    """Sides in points."""

    left: float
    top: float
    right: float
    bottom: float

    def with_(self, other: "_Edges") -> "_Edges":
        """What holds both."""
        return _Edges(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def boxes_of(
    places: bytes, size: tuple[float, float], text: str, start: int, end: int
) -> list[Box]:
    """One box a line of `text[start:end]`; two where a line leaves a wide gap, as tables do.

    Args:
        places: of all characters of `text`, or none at all.
        size: width and height of the page in points.
        text: the page's stored text.
        start: the first character.
        end: one past the last.
    """
    if len(places) != len(text) * PLACE.size:
        return []
    width, height = size
    lines: list[_Edges] = []
    last: _Edges | None = None
    for edges in _edges(places, size, text, range(start, end)):
        if edges is not None and last is not None and lines and _are_neighbours(last, edges):
            lines[-1] = lines[-1].with_(edges)
        elif edges is not None:
            lines.append(edges)
        last = edges
    return [
        Box(
            round(one.left / width, _DECIMALS),
            round(one.top / height, _DECIMALS),
            round((one.right - one.left) / width, _DECIMALS),
            round((one.bottom - one.top) / height, _DECIMALS),
        )
        for one in lines
    ]


def _edges(
    places: bytes, size: tuple[float, float], text: str, wanted: range
) -> Iterator[_Edges | None]:
    """Sides of the characters that have a place; None at the end of a line."""
    across, down = size[0] / SCALE, size[1] / SCALE
    for offset in wanted:
        if text[offset] == "\n":
            yield None
            continue
        left, top, right, bottom = PLACE.unpack_from(places, offset * PLACE.size)
        if right > left and bottom > top:
            yield _Edges(left * across, top * down, right * across, bottom * down)


def _are_neighbours(one: _Edges, other: _Edges) -> bool:
    """Whether two characters that follow each other stand on one line, across or (turned) down."""
    shared_down = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared_across = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom - one.top, other.bottom - other.top)
    width = min(one.right - one.left, other.right - other.left)
    if shared_down >= _MIN_OVERLAP * height:
        return -shared_across <= _MAX_GAP * max(one.bottom - one.top, other.bottom - other.top)
    if shared_across >= _MIN_OVERLAP * width:
        return -shared_down <= _MAX_GAP * max(one.right - one.left, other.right - other.left)
    return False
