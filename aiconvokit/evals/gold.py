"""Where the answers of a set's questions stand in its documents as they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiconvokit.evals.queries import PageTexts
from aiconvokit.evals.sets import Evidence, Level, SetQuestion
from aiconvokit.retrieval.types import Passage

SPAN_SHARE = 0.5
"""A passage that holds less than half of the evidence does not answer."""


class Target(Protocol):
    """One thing to be found."""

    def is_hit(self, document: str, passage: Passage) -> bool:
        """Whether a passage of a document is, or is on, what was to be found."""
        ...

    def is_touched(self, document: str, page: int, start: int, end: int) -> bool:
        """Whether a quote, [start, end) of a page's text, is on what was to be found."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentTarget:
    """A whole document."""

    document: str

    def is_hit(self, document: str, passage: Passage) -> bool:  # noqa: ARG002 - the protocol's
        return document == self.document

    def is_touched(self, document: str, page: int, start: int, end: int) -> bool:  # noqa: ARG002 - as above
        return document == self.document


@dataclass(frozen=True, slots=True)
class PageTarget:
    """A page of a document."""

    document: str
    page: int

    def is_hit(self, document: str, passage: Passage) -> bool:
        return (document, passage.page) == (self.document, self.page)

    def is_touched(self, document: str, page: int, start: int, end: int) -> bool:  # noqa: ARG002 - as above
        return (document, page) == (self.document, self.page)


@dataclass(frozen=True, slots=True)
class SpanTarget:
    """A stretch of text: page -> [start, end) in the page's text; empty when it was not found."""

    document: str
    parts: tuple[tuple[int, int, int], ...]

    def is_hit(self, document: str, passage: Passage) -> bool:
        length = sum(end - start for _, start, end in self.parts)
        shared = self._shared(document, passage.page, passage.start, passage.end)
        return length > 0 and shared >= SPAN_SHARE * length

    def is_touched(self, document: str, page: int, start: int, end: int) -> bool:
        return self._shared(document, page, start, end) > 0

    def _shared(self, document: str, page: int, start: int, end: int) -> int:
        if document != self.document:
            return 0
        return sum(
            max(0, min(end, its_end) - max(start, its_start))
            for number, its_start, its_end in self.parts
            if number == page
        )


def unit(level: Level, document: str, passage: Passage) -> tuple[object, ...]:
    """What counts as one result: several passages of a page are one page."""
    if level == "document":
        return (document,)
    return (document, passage.page) if level == "page" else (passage.chunk_id,)


def targets(level: Level, question: SetQuestion, texts: PageTexts) -> list[Target]:
    """The distinct things that a question should find; none when nobody said where it stands.

    Args:
        level: what the set's gold names.
        question: with its evidence. A text that begins on one page and ends on the next one is on
            the page where it begins.
        texts: of the documents, for spans.
    """
    if not question.is_measured:
        return []
    found: list[Target] = []
    if level == "document":
        found = [DocumentTarget(name) for name in question.gold]
    elif level == "page":
        found = [
            PageTarget(one.document, one.page) for one in question.evidence if one.page is not None
        ]
    else:
        found = [_span(one, texts.get(one.document, {})) for one in question.evidence]
    return list(dict.fromkeys(found))


def _span(evidence: Evidence, pages: Mapping[int, str]) -> SpanTarget:
    """The evidence in the pages' own text, whatever became of its white space.

    Of several places the one nearest to where the evidence should begin.
    """
    wanted = "".join(evidence.text.split())
    places = [
        (number, offset)
        for number, text in sorted(pages.items())
        for offset, character in enumerate(text)
        if not character.isspace()
    ]
    whole = "".join("".join(text.split()) for _, text in sorted(pages.items()))
    starts = _occurrences(whole, wanted)
    if not starts:
        return SpanTarget(evidence.document, ())
    squeezed = len(whole) / max(1, sum(map(len, pages.values())))
    expected = (evidence.start or 0) * squeezed
    start = min(starts, key=lambda one: abs(one - expected))
    return SpanTarget(evidence.document, _parts(places[start : start + len(wanted)]))


def _occurrences(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def _parts(places: Sequence[tuple[int, int]]) -> tuple[tuple[int, int, int], ...]:
    pages = dict.fromkeys(number for number, _ in places)
    ends = {number: [offset for page, offset in places if page == number] for number in pages}
    return tuple((number, offsets[0], offsets[-1] + 1) for number, offsets in ends.items())
