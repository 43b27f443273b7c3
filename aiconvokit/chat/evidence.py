"""The search for the sentence or table row that supports a claim."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
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
        passage = self.source.passage
        header = self.header.reading.keys if self.header else frozenset[str]()
        return header | _named(passage.filename, passage.heading, self.language)


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


class Shelf:
    """The evidence of one language, by its words and by its numbers' digests.

    Rows of the arrays are `evidence`; `places` are theirs among all evidence.
    """

    def __init__(self, placed: Sequence[tuple[int, Evidence]]) -> None:
        self.places = [place for place, _ in placed]
        self.evidence = [one for _, one in placed]
        self._words = _Postings(one.keys for one in self.evidence)
        self._above = _Postings(() if one.is_row else one.keys_above for one in self.evidence)
        self._digests = _Postings(map(_digests, self.evidence))

    @classmethod
    def of(cls, language: str | None, evidence: Iterable[Evidence]) -> "Shelf":
        """All evidence in this language."""
        return cls([(at, one) for at, one in enumerate(evidence) if one.language == language])

    def numbered(self, claim: Reading) -> list[tuple[int, Evidence]]:
        """Those with all numbers of the claim, as far as digits go, with their places."""
        return [(self.places[at], self.evidence[at]) for at in np.flatnonzero(self.showing(claim))]

    def words(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """The summed weights of the words that each has."""
        return self._words.sums(weights)

    def proving(self, claim: Reading) -> NDArray[np.bool_]:
        """Those with all numbers and words of the claim: nothing else can support it."""
        words = claim.keys - THE_COMPANY
        found = self.showing(claim)
        for word in words:
            found &= self._words.having([word]) | self._above.having([word])
        return found

    def showing(self, claim: Reading) -> NDArray[np.bool_]:
        """Those with all numbers of the claim, as far as digits go."""
        found = np.ones(len(self.evidence), bool)
        for number in claim.numbers:
            found &= self._digests.having(number.digests)
        return found


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
        self._arrays: dict[str, NDArray[np.intp]] = {}

    def _of(self, term: str) -> NDArray[np.intp]:
        if term not in self._arrays:
            self._arrays[term] = np.array(self._found.get(term, ()), np.intp)
        return self._arrays[term]

    def having(self, terms: Iterable[str]) -> NDArray[np.bool_]:
        has = np.zeros(self._rows, bool)
        for term in terms:
            has[self._of(term)] = True
        return has

    def sums(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        total = np.zeros(self._rows)
        for term, weight in weights.items():
            total[self._of(term)] += weight
        return total


def _digests(evidence: Evidence) -> set[str]:
    """Of its numbers, and of the years above a row."""
    reading = evidence.reading
    own = (*reading.numbers, *(term for term in reading.terms if isinstance(term, Number)))
    above = evidence.header.reading.numbers if evidence.header else ()
    return {digest for number in (*own, *above) for digest in number.digests}


@dataclass(frozen=True)
class Library:
    """The evidence of all passages in prompt order, and the language of their stems."""

    language: str | None
    evidence: tuple[Evidence, ...]

    @functools.cached_property
    def shelves(self) -> Mapping[str | None, Shelf]:
        """The evidence by its language, to be searched; made when a claim first asks for it."""
        languages = dict.fromkeys(one.language for one in self.evidence)
        return {name: Shelf.of(name, self.evidence) for name in languages}


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
    """Cut the sources' pages into evidence; a unit counts when its passage touches it."""
    language = language_of(" ".join(source.passage.text for source in sources)[:LANGUAGE_SAMPLE])
    pages: dict[tuple[int, int, int], list[Source]] = {}
    for source in sources:
        passage = source.passage
        key = (passage.document_id, passage.version, passage.page)
        pages.setdefault(key, []).append(source)
    found = [
        evidence
        for page in pages.values()
        for placed in placed_units(page[0].page_text)
        if (evidence := _evidence(page, placed, language))
    ]
    return Library(language, tuple(found))


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


def _lookalikes(claim: Statement, library: Library) -> list[Evidence]:
    """What shares words with the claim: first what may support it, the likeliest first."""
    ranked: list[tuple[bool, float, int, Evidence]] = []
    for language, shelf in library.shelves.items():
        reading = claim.read(language)
        weights = {key: NAME_WEIGHT if key in reading.names else 1.0 for key in reading.keys}
        total = sum(weights.values())
        shared = shelf.words(weights)
        proving = shelf.proving(reading)
        near = np.flatnonzero((shared > 0) & (shared >= LOOKALIKE_COVERAGE * total))
        for at in near[np.lexsort((-shared[near], ~proving[near]))][:MAX_LOOKALIKES]:
            one = shelf.evidence[at]
            share = float(shared[at])
            if proving[at] and not _is_too_long(reading, one):
                share += NUMBER_WEIGHT * sum(map(Figures(reading, one).shows, reading.numbers))
            share /= total + NUMBER_WEIGHT * len(reading.numbers)
            bonus = HINT_BONUS if claim.hints & one.hints else 0
            ranked.append((not proving[at], -share - bonus, shelf.places[at], one))
    ranked.sort(key=lambda item: item[:3])
    holding = sum(not lacks for lacks, *_ in ranked)
    return [one for *_, one in ranked[: min(MAX_LOOKALIKES, holding + MAX_REFUSED)]]


def _is_too_long(claim: Reading, evidence: Evidence) -> bool:
    return _pairs(claim, evidence) > MAX_COMPARED


def _pairs(claim: Reading, evidence: Evidence) -> int:
    return len(claim.terms) * len(evidence.reading.terms)


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
