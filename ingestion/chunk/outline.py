"""The headings that a file declares, found again on its pages."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ingestion.chunk.headings import GUESSED, MAX_TITLE_CHARS
from ingestion.chunk.lines import Kind, Line
from ingestion.documents import OutlineEntry, ParsedDocument
from ingestion.load import PDF

PAGES_PER_ENTRY = 25
"""A thinner outline is not used: it would name pages that it knows nothing of."""

MAX_TITLE_LINES = 3
"""A heading may be broken into so many lines."""

_NOT_WORDS = re.compile(r"[\W_]+")


def entries_by_page(document: ParsedDocument) -> Mapping[int, list[OutlineEntry]]:
    """The outline's entries by page number, in order.

    PDF bookmarks are left out when they are too thin; a single one above all others names the
    document, not a place in it.
    """
    entries = list(document.outline)
    bookmarks = document.media_type == PDF
    if bookmarks and entries and all(entry.level > entries[0].level for entry in entries[1:]):
        del entries[0]
    pages: dict[int, list[OutlineEntry]] = defaultdict(list)
    if not bookmarks or len(entries) * PAGES_PER_ENTRY >= len(document.pages):
        for entry in entries:
            pages[entry.page].append(entry)
    return pages


def mark_declared(lines: Sequence[Line], entries: Sequence[OutlineEntry]) -> list[OutlineEntry]:
    """Mark the lines that hold the entries' titles; returns the entries that no line holds."""
    if not entries:
        return []
    keys = [_key(line.text) for line in lines]
    missing = []
    for entry in entries:
        found = (
            _at(lines, entry.start) if entry.start is not None else _find(keys, _key(entry.title))
        )
        for line in lines[found.start : found.stop]:
            line.kind, line.level = Kind.HEADING, level_of(entry)
            line.title = entry.title[:MAX_TITLE_CHARS]
        if not found:
            missing.append(entry)
    return missing


def level_of(entry: OutlineEntry) -> int:
    """The entry's level, above all that is guessed."""
    return min(entry.level, GUESSED)


def _at(lines: Sequence[Line], start: int) -> range:
    """The line that begins at an offset; an empty range when none does."""
    index = bisect_left(lines, start, key=lambda line: line.start)
    found = index < len(lines) and lines[index].start == start
    return range(index, index + 1) if found else range(0)


def _find(keys: Sequence[str], title: str) -> range:
    """The lines that together read like the title; an empty range when none do."""
    for first in range(len(keys) if title else 0):
        read = ""
        for last in range(first, min(first + MAX_TITLE_LINES, len(keys))):
            read += keys[last]
            if read == title:
                return range(first, last + 1)
            if not title.startswith(read):
                break
    return range(0)


def _key(text: str) -> str:
    return _NOT_WORDS.sub("", text).casefold()
