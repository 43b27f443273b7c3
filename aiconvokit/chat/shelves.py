"""The pages of a prompt as evidence: cut and read when a claim comes near to them."""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiconvokit.chat.evidence import Evidence, named_above
from aiconvokit.chat.numbers import Number
from aiconvokit.chat.proof import Source
from aiconvokit.chat.reading import (
    Reading,
    language_of,
    likely_keys,
)
from aiconvokit.chat.synonyms import THE_COMPANY
from aiconvokit.chat.table_context import (
    Placed,
    placed_units,
)
from aiconvokit.chat.units import Unit

LOOKALIKE_COVERAGE = 0.5
"""A unit that has so much of a claim's words is looked at; all of them must stand in it."""

MAX_UNIT = 10_000
"""Characters of a unit, some pages of text without a stop; a longer one is no quote for anybody."""

LANGUAGE_SAMPLE = 4000
"""Characters that tell the language of the passages."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a unit proves: its words, for prose those above it, and its numbers' digests."""

    keys: frozenset[str]
    above: frozenset[str]
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Near:
    """Evidence that shares words with a claim; it is `proving` with all its words and numbers."""

    place: tuple[int, int]
    evidence: Evidence
    shared: float
    proving: bool


class Shelf:
    """The evidence of one page in one language; a unit is read when a claim comes near to it."""

    def __init__(self, placed: Sequence[tuple[tuple[int, int], Evidence]]) -> None:
        self.placed = placed
        self._likely = _Postings(_likely(one) for _, one in placed)
        self._read: dict[int, _Known] = {}

    def near(self, claim: Reading, weights: Mapping[str, float]) -> Iterator[Near]:
        """Those that have so much of the claim's words, by weight, that they are looked at."""
        least = LOOKALIKE_COVERAGE * sum(weights.values())
        likely = self._likely.having(weights, least)
        words = claim.keys - THE_COMPANY
        numbers = [number.digests for number in claim.numbers]
        for at in likely:
            known = self._known(at)
            shared = sum(weight for word, weight in weights.items() if word in known.keys)
            if shared > 0 and shared >= least:
                proving = not any(map(known.digests.isdisjoint, numbers)) and all(
                    word in known.keys or word in known.above for word in words
                )
                yield Near(*self.placed[at], shared, proving)

    def numbered(self, claim: Reading) -> Iterator[tuple[tuple[int, int], Evidence]]:
        """Those with all numbers of the claim, as far as digits go, with their places."""
        numbers = [number.digests for number in claim.numbers]
        for at, placed in enumerate(self.placed):
            if not any(map(self._known(at).digests.isdisjoint, numbers)):
                yield placed

    def _known(self, at: int) -> _Known:
        if at not in self._read:
            one = self.placed[at][1]
            above = frozenset[str]() if one.is_row else one.keys_above
            self._read[at] = _Known(one.keys, above, _digests(one))
        return self._read[at]


class _Postings:
    """Which rows have a term."""

    def __init__(self, rows: Iterable[Iterable[str]]) -> None:
        self._found: defaultdict[str, list[int]] = defaultdict(list)
        for at, terms in enumerate(rows):
            for term in terms:
                self._found[term].append(at)

    def having(self, weights: Mapping[str, float], least: float) -> list[int]:
        """The rows, in their order, with terms whose weights add up to so much."""
        total: defaultdict[int, float] = defaultdict(float)
        for term, weight in weights.items():
            for at in self._found.get(term, ()):
                total[at] += weight
        return sorted(at for at, found in total.items() if found >= least)


def _likely(evidence: Evidence) -> frozenset[str]:
    """At least the `keys` of the evidence, found without reading it."""
    words = likely_keys(evidence.text, evidence.language)
    if words is None:
        return evidence.keys
    return words | evidence.keys_above if evidence.is_row else words


def _digests(evidence: Evidence) -> frozenset[str]:
    """Of its numbers, and of the years above a row."""
    reading = evidence.reading
    own = (*reading.numbers, *(term for term in reading.terms if isinstance(term, Number)))
    above = evidence.header.reading.numbers if evidence.header else ()
    return frozenset(digest for number in (*own, *above) for digest in number.digests)


class Page:
    """A page of the prompt with the passages on it; it is cut when a claim comes near to it."""

    def __init__(self, number: int, sources: Sequence[Source], language: str | None) -> None:
        self._number = number
        self._sources = sources
        self._language = language
        self._shelves: dict[str | None, Shelf] = {}
        self._words: dict[str | None, tuple[frozenset[str], ...] | None] = {}

    @functools.cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """The units that a passage touches."""
        found = placed_units(self._sources[0].page_text)
        return tuple(
            one for placed in found if (one := _evidence(self._sources, placed, self._language))
        )

    @property
    def is_cut(self) -> bool:
        """Whether a claim came near to it."""
        return "evidence" in self.__dict__

    def may_have(self, weights: Mapping[str, float], language: str | None) -> bool:
        """Whether a unit can have so much of a claim's words."""
        if language not in self._words:
            words = likely_keys(self._sources[0].page_text, language)
            named = (named_above(source, language) for source in self._sources)
            self._words[language] = None if words is None else (words, *named)
        known = self._words[language]
        if known is None:
            return True
        found = sum(
            weight for word, weight in weights.items() if any(word in words for words in known)
        )
        return found > 0 and found >= LOOKALIKE_COVERAGE * sum(weights.values())

    def shelf(self, language: str | None) -> Shelf:
        """The evidence in a language."""
        if language not in self._shelves:
            self._shelves[language] = Shelf(
                [
                    ((self._number, at), one)
                    for at, one in enumerate(self.evidence)
                    if one.language == language
                ]
            )
        return self._shelves[language]


@dataclass(frozen=True)
class Library:
    """The passages by page in prompt order, and the language of their stems."""

    language: str | None
    pages: tuple[Page, ...]
    languages: frozenset[str | None]

    @functools.cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """That of all pages."""
        return tuple(one for page in self.pages for one in page.evidence)


def prepare(sources: Sequence[Source]) -> Library:
    """Lay out the sources' pages; a unit of a page counts when a passage touches it."""
    sample = ""
    pages: dict[tuple[int, int, int], list[Source]] = {}
    for source in sources:
        passage = source.passage
        key = (passage.document_id, passage.version, passage.page)
        pages.setdefault(key, []).append(source)
        if len(sample) <= LANGUAGE_SAMPLE:
            sample += f"{passage.text} "
    language = language_of(sample[:LANGUAGE_SAMPLE])
    return Library(
        language,
        tuple(Page(number, page, language) for number, page in enumerate(pages.values())),
        frozenset(language_of(source.passage.text) for source in sources),
    )


def _evidence(page: Sequence[Source], placed: Placed, language: str | None) -> Evidence | None:
    unit = placed.unit
    shown = [source for source in page if _touches(source, unit)]
    if not shown or unit.end - unit.start > MAX_UNIT:
        return None
    own = language_of(shown[0].passage.text)
    hints = frozenset(source.index for source in shown)
    header = _head(shown[0], placed.header, own, language) if placed.header else None
    return Evidence(
        shown[0], unit.start, unit.end, unit.is_row, hints, own, language, header, placed.context
    )


def _head(source: Source, unit: Unit, own: str | None, language: str | None) -> Evidence:
    return Evidence(source, unit.start, unit.end, unit.is_row, frozenset(), own, language)


def _touches(source: Source, unit: Unit) -> bool:
    return unit.start < source.passage.end and source.passage.start < unit.end
