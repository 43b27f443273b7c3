"""The search for the sentence or table row that supports a claim."""

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiconvokit.chat.figures import Figures, columns_agree, years_agree
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

LANGUAGE_SAMPLE = 4000
"""Characters that tell the language of the passages."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a page, ready to be compared; `hints` are the prompt numbers it was shown under.

    `language` is its own passage's, `library_language` that of all passages together.
    """

    source: Source
    start: int
    end: int
    is_row: bool
    hints: frozenset[int]
    language: str | None
    library_language: str | None
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
        return quoted_stems(self.text, self.library_language)

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


@dataclass(frozen=True, slots=True)
class Library:
    """The evidence of all passages in prompt order, and the language of their stems."""

    language: str | None
    evidence: tuple[Evidence, ...]


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


def support(claim: Statement, library: Library) -> tuple[Evidence, ...] | str:
    """What supports a claim: a sentence, or a row with its head.

    Returns:
        the evidence, to be quoted in this order, or the reason why there is none: "no_match",
        "number_mismatch" or "negation_mismatch".
    """
    reasons: list[str] = []
    for evidence in _lookalikes(claim, library.evidence):
        verdict = _judge(claim.read(evidence.language), evidence)
        if not isinstance(verdict, str):
            return verdict
        reasons.append(verdict)
    return next((r for r in ("negation_mismatch", "number_mismatch") if r in reasons), "no_match")


def _evidence(page: Sequence[Source], placed: Placed, language: str | None) -> Evidence | None:
    unit = placed.unit
    shown = [source for source in page if _touches(source, unit)]
    if not shown:
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


def _lookalikes(claim: Statement, evidence: Iterable[Evidence]) -> list[Evidence]:
    """What shares words with the claim, the likeliest first."""
    ranked: list[tuple[float, int, Evidence]] = []
    readings: dict[str | None, tuple[Reading, dict[str, float], float]] = {}
    for place, one in enumerate(evidence):
        if one.language not in readings:
            readings[one.language] = _weighed(claim.read(one.language))
        reading, weights, total = readings[one.language]
        keys = one.keys
        shared = sum(weight for key, weight in weights.items() if key in keys)
        if shared and shared >= LOOKALIKE_COVERAGE * total:
            figures = Figures(reading, one)
            shown = NUMBER_WEIGHT * sum(map(figures.shows, reading.numbers))
            share = (shared + shown) / (total + NUMBER_WEIGHT * len(reading.numbers))
            ranked.append((-share - (HINT_BONUS if claim.hints & one.hints else 0), place, one))
    return [one for *_, one in sorted(ranked, key=lambda item: item[:2])]


def _weighed(reading: Reading) -> tuple[Reading, dict[str, float], float]:
    weights = {key: NAME_WEIGHT if key in reading.names else 1.0 for key in reading.keys}
    return reading, weights, sum(weights.values())


@functools.lru_cache(READ_CACHE)
def _named(filename: str, heading: str, language: str | None) -> frozenset[str]:
    """The words of a document's title and of a passage's headings."""
    return read_quote(f"{title_of(filename)}. {heading}", language).keys


def _judge(claim: Reading, evidence: Evidence) -> tuple[Evidence, ...] | str:
    if _is_verbatim(claim, evidence.reading):
        return (evidence,)
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
