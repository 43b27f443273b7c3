"""Headers and footers: lines that repeat at the edges of pages and say nothing about them."""

import re
from collections import Counter
from collections.abc import Sequence

from ingestion.chunk.lines import Line

EDGE_LINES = 3
"""Where headers and footers stand: the first and the last three lines of a page."""

REPEATED_SHARE = 0.3
"""Of the pages; odd and even pages may have headers of their own, and chapters too."""

REPEATED_PAGES = 3
"""Two pages that begin alike are not yet a pattern."""

_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)


def without_edges(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """The lines of every page without its header and footer.

    Only an unbroken run from the edge goes, so that what remains is one slice of the page. When all
    that a document has looks like headers, all of it stays.
    """
    tops = _repeated([lines[:EDGE_LINES] for lines in pages])
    bottoms = _repeated([lines[-EDGE_LINES:] for lines in pages])
    bodies = [_body(lines, tops, bottoms) for lines in pages]
    return bodies if any(bodies) else list(pages)


def _repeated(edges: Sequence[list[Line]]) -> set[str]:
    counts = Counter(key for lines in edges for key in {_key(line) for line in lines})
    least = max(REPEATED_PAGES, REPEATED_SHARE * sum(1 for lines in edges if lines))
    return {key for key, count in counts.items() if count >= least}


def _body(lines: list[Line], tops: set[str], bottoms: set[str]) -> list[Line]:
    first, last = 0, len(lines)
    while first < min(EDGE_LINES, last) and _key(lines[first]) in tops:
        first += 1
    while last > max(first, len(lines) - EDGE_LINES) and _key(lines[last - 1]) in bottoms:
        last -= 1
    return lines[first:last]


def _key(line: Line) -> str:
    """The line with its numbers (also roman) and its spacing made alike."""
    return " ".join(_NUMBER.sub("#", line.text.casefold()).split())
