"""The search for the sentence or table row that supports a claim."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat.number_proof import Figures, columns_agree, years_agree
from aiconvokit.chat.numbers import Number
from aiconvokit.chat.polarity import opposed
from aiconvokit.chat.proof import Source
from aiconvokit.chat.reading import (
    READ_CACHE,
    Reading,
    Word,
    language_of,
    likely_keys,
    quoted_stems,
    read_claim,
    read_quote,
)
from aiconvokit.chat.roles import swapped
from aiconvokit.chat.synonyms import THE_COMPANY
from aiconvokit.chat.table_context import (
    NOTHING_ABOVE,
    Context,
    Placed,
    context_of,
    placed_units,
)
from aiconvokit.chat.units import Unit
from ingestion.load import title_of

LOOKALIKE_COVERAGE = 0.5
"""A unit that has so much of a claim's words is looked at; all of them must stand in it."""

NAME_WEIGHT = 2.0
NUMBER_WEIGHT = 2.0
"""A name or a number says more than another word; every one must be there anyway."""

HINT_BONUS = 0.1
"""What the model's own mark is worth: it decides between spans that support alike."""

LONG_LABEL = 4
LONG_LABEL_SHARE = 0.7
"""A row's label must be in the claim; of one with more words than `LONG_LABEL` so much."""

MAX_UNIT = 10_000
"""Characters of a unit, some pages of text without a stop; a longer one is no quote for anybody."""

MAX_LOOKALIKES = 64
"""Units judged for one claim, the likeliest first: of those that hold all its words and numbers,
which come before all others, even a contract with many similar clauses has fewer."""

MAX_REFUSED = 16
"""Units judged of those that lack a word or a number of the claim: they only give the reason."""

MAX_COMPARED = 120 * 600
"""Terms of claim times terms of unit that are compared with each other; the longest sentence that
`roles` reads against the longest it reads. More than that counts only word for word."""

EFFORT = 2_000_000
"""Pairs of terms compared for one answer, seconds of work. A table of 344 cells, none of
them supported, takes 200,000."""

LANGUAGE_SAMPLE = 4000
"""Characters that tell the language of the passages."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a page, ready to be compared; `hints` are the prompt numbers it was shown under.

    `language` is its own passage's, `common_language` that of all passages together.
    """

    source: Source
    start: int
    end: int
    is_row: bool
    hints: frozenset[int]
    language: str | None
    common_language: str | None
    header: "Evidence | None" = None
    context: Context = NOTHING_ABOVE

    @property
    def text(self) -> str:
        return self.source.page_text[self.start : self.end]

    @property
    def reading(self) -> Reading:
        return read_quote(self.text, self.language)

    @property
    def stems(self) -> frozenset[str]:
        return quoted_stems(self.text, self.common_language)

    @property
    def numbers(self) -> tuple[Number, ...]:
        return self.reading.numbers

    @property
    def keys(self) -> frozenset[str]:
        """The words it may prove: its own, and those above a table row."""
        if not self.is_row:
            return self.reading.keys
        return self.reading.keys | self.keys_above

    @property
    def keys_above(self) -> frozenset[str]:
        """The words of the table's head, of the headings and of the file's name."""
        header = self.header.reading.keys if self.header else frozenset[str]()
        return header | _named_above(self.source, self.language)


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim: its own text, for a table's cell with the row's label before it.

    `head` stands above a cell. `subject` is what the claim before it was about: "It was 4.2".
    """

    text: str
    hints: frozenset[int]
    head: str = ""
    subject: str = ""

    def read(self, language: str | None) -> Reading:
        """The claim, with the years and units above its cell, as a text in this language."""
        reading = read_claim(self.text, language)
        if self.subject and reading.numbers and not reading.keys:
            before = read_claim(self.subject, language)
            reading = dataclasses.replace(reading, keys=before.keys, names=before.names)
        return _under(self.head, reading) if self.head else reading


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
        self._likely = _Postings(likely for likely in (_likely(one) for _, one in placed))
        self._read: dict[int, _Known] = {}

    def near(self, claim: Reading, weights: Mapping[str, float]) -> Iterator[Near]:
        """Those that have so much of the claim's words, by weight, that they are looked at."""
        least = LOOKALIKE_COVERAGE * sum(weights.values())
        likely = self._likely.sums(weights)
        words = claim.keys - THE_COMPANY
        numbers = [number.digests for number in claim.numbers]
        for at in np.flatnonzero((likely > 0) & (likely >= least)).tolist():
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
        found: dict[str, list[int]] = {}
        self._rows = 0
        for at, terms in enumerate(rows):
            self._rows = at + 1
            for term in terms:
                found.setdefault(term, []).append(at)
        self._found = found

    def sums(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """The summed weights of the terms that each row has."""
        total = np.zeros(self._rows)
        for term, weight in weights.items():
            if term in self._found:
                total[self._found[term]] += weight
        return total


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
        words = likely_keys(self._sources[0].page_text, language)
        named = (_named_above(source, language) for source in self._sources)
        if words is None:
            return True
        words = words.union(*named)
        found = sum(weight for word, weight in weights.items() if word in words)
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


@dataclass(slots=True)
class Effort:
    """What is left of an answer's `EFFORT`."""

    left: int = EFFORT

    def spend(self, claim: Reading, evidence: Evidence) -> bool:
        """Whether the two may be compared: they are not too long and something is left."""
        if _is_too_long(claim, evidence) or self.left <= 0:
            return False
        self.left -= _pairs(claim, evidence)
        return True


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


def support(claim: Statement, library: Library, effort: Effort) -> tuple[Evidence, ...] | str:
    """What supports a claim: a sentence, or a row with its head.

    When no `effort` is left, nothing does.

    Returns:
        the evidence, to be quoted in this order, or the reason why there is none: "no_match",
        "number_mismatch" or "negation_mismatch".
    """
    reasons: list[str] = []
    for evidence in _lookalikes(claim, library):
        reading = claim.read(evidence.language)
        verdict = _judge(reading, evidence, effort)
        if not isinstance(verdict, str):
            return verdict
        reasons.append(verdict)
    return next((r for r in ("negation_mismatch", "number_mismatch") if r in reasons), "no_match")


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


def is_cheap(claim: Statement, library: Library) -> bool:
    """Whether `support` has no page to cut for this claim: it takes a millisecond then."""
    return all(
        page.is_cut or not page.may_have(_weights(claim.read(language)), language)
        for language in library.languages
        for page in library.pages
    )


def _weights(claim: Reading) -> dict[str, float]:
    return {key: NAME_WEIGHT if key in claim.names else 1.0 for key in claim.keys}


def _lookalikes(claim: Statement, library: Library) -> list[Evidence]:
    """What shares words with the claim: first what may support it, the likeliest first."""
    ranked: list[tuple[bool, float, tuple[int, int], Evidence]] = []
    for language in library.languages:
        reading = claim.read(language)
        weights = _weights(reading)
        total = sum(weights.values()) + NUMBER_WEIGHT * len(reading.numbers)
        pages = [page for page in library.pages if page.may_have(weights, language)]
        near = [one for page in pages for one in page.shelf(language).near(reading, weights)]
        near.sort(key=lambda one: (not one.proving, -one.shared))
        for one in near[:MAX_LOOKALIKES]:
            evidence, share = one.evidence, one.shared
            if one.proving and not _is_too_long(reading, evidence):
                share += NUMBER_WEIGHT * sum(map(Figures(reading, evidence).shows, reading.numbers))
            bonus = HINT_BONUS if claim.hints & evidence.hints else 0
            ranked.append((not one.proving, -share / total - bonus, one.place, evidence))
    ranked.sort(key=lambda item: item[:3])
    holding = sum(not lacks for lacks, *_ in ranked)
    return [one for *_, one in ranked[: min(MAX_LOOKALIKES, holding + MAX_REFUSED)]]


def _is_too_long(claim: Reading, evidence: Evidence) -> bool:
    return _pairs(claim, evidence) > MAX_COMPARED


def _pairs(claim: Reading, evidence: Evidence) -> int:
    return len(claim.terms) * len(evidence.reading.terms)


def _named_above(source: Source, language: str | None) -> frozenset[str]:
    return _named(source.passage.filename, source.passage.heading, language)


@functools.lru_cache(READ_CACHE)
def _named(filename: str, heading: str, language: str | None) -> frozenset[str]:
    """The words of a document's title and of a passage's headings."""
    return read_quote(f"{title_of(filename)}. {heading}", language).keys


def _judge(claim: Reading, evidence: Evidence, effort: Effort) -> tuple[Evidence, ...] | str:
    if _is_verbatim(claim, evidence.reading):
        return (evidence,)
    if not effort.spend(claim, evidence):
        return "no_match"
    return _compared(claim, evidence)


def _compared(claim: Reading, evidence: Evidence) -> tuple[Evidence, ...] | str:
    figures = Figures(claim, evidence)
    if not all(map(figures.shows, claim.numbers)) or not years_agree(claim, evidence.reading):
        return "number_mismatch"
    if opposed(claim, evidence.reading):
        return "negation_mismatch"
    if not _says_it(claim, evidence) or swapped(claim, evidence.reading):
        return "no_match"
    return _with_header(claim, evidence)


def _is_verbatim(claim: Reading, quote: Reading) -> bool:
    return claim.terms == quote.terms


def _says_it(claim: Reading, evidence: Evidence) -> bool:
    """Whether every word of the claim stands in the evidence.

    Titles and "the company" may say what a sentence is about, when it names nothing else itself.
    """
    missing = claim.keys - evidence.keys
    if evidence.is_row and not _names_the_row(claim, evidence.reading):
        return False
    if not missing:
        return True
    first = next((word.key for word in evidence.reading.words if word.key), "")
    if missing <= THE_COMPANY and first in claim.keys:
        return True  # "the company's revenue" for "Revenue"
    return missing <= evidence.keys_above and not evidence.reading.names - claim.keys


def _names_the_row(claim: Reading, row: Reading) -> bool:
    """Whether the claim says what the row is about: "profit" is not "net profit"."""
    label = {
        term.key
        for term in itertools.takewhile(lambda term: isinstance(term, Word), row.terms)
        if isinstance(term, Word) and term.key
    }
    least = 1.0 if len(label) <= LONG_LABEL else LONG_LABEL_SHARE
    return len(label & claim.keys) >= least * len(label)


def _with_header(claim: Reading, evidence: Evidence) -> tuple[Evidence, ...] | str:
    """The evidence, and the head of its table when a year of the claim stands only there."""
    figures = Figures(claim, evidence)
    years = [number for number in claim.numbers if not figures.in_quote(number)]
    if not years:
        return (evidence,)
    cells = [number for number in claim.numbers if figures.in_quote(number)]
    if evidence.header is None or not columns_agree(cells, years, evidence):
        return "number_mismatch"
    return evidence, evidence.header


def _under(head: str, reading: Reading) -> Reading:
    """A cell's numbers with the scale and the kind above them, and the years there."""
    context = context_of(head)
    kind = next(iter(context.kinds)) if len(context.kinds) == 1 else None
    years = [number for number in read_claim(head, reading.language).numbers if number.is_year]
    own = [
        dataclasses.replace(
            number,
            kind=number.kind or kind,
            scale=context.scale if number.scale is None else number.scale,
        )
        for number in reading.numbers
    ]
    return dataclasses.replace(reading, numbers=(*own, *years))
