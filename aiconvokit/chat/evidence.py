"""The search for the sentence or table row that supports a claim."""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aiconvokit.chat.numbers import Number, numbers, quoted_numbers
from aiconvokit.chat.polarity import opposed
from aiconvokit.chat.proof import Source
from aiconvokit.chat.units import Unit, split_units
from aiconvokit.retrieval.lexemes import content_stems
from ingestion.language import detect

MIN_COVERAGE = 0.6
"""So much of a claim (by weight) must stand in its quote. Half of two spliced claims is less."""

NAME_WEIGHT = 2.0
NUMBER_WEIGHT = 2.0
"""A name or a number says more than another word; every number must be there anyway."""

HINT_BONUS = 0.1
"""What the model's own mark is worth: it decides between spans that support alike."""

LANGUAGE_SAMPLE = 4000
"""Characters that tell the language of the passages."""

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)*")
_UNIT_WORDS = re.compile(
    r"(?<=\d)(?:\s?(?:%|(?:percent|per cent|thousand|millions?|billions?|trillions?|bn|mn|m|k|Mio"
    r"|Mrd|Millionen|Milliarden|Prozent|dollars?|euros?|usd|eur|gbp|chf)\b))+"
    r"|\b(?:EUR|USD|GBP|CHF)\b",
    re.IGNORECASE,
)
_SCALE = re.compile(r"\b(thousand|million|billion|mn|mio|bn|mrd|tsd)", re.IGNORECASE)
_POWERS = {
    "thousand": 3, "tsd": 3, "million": 6, "mio": 6, "mn": 6, "billion": 9, "mrd": 9, "bn": 9
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """A unit of a page, ready to be compared; `hints` are the prompt numbers it was shown under."""

    source: Source
    start: int
    end: int
    is_row: bool
    hints: frozenset[int]
    stems: frozenset[str]
    numbers: tuple[Number, ...]
    header: "Evidence | None" = None

    @property
    def text(self) -> str:
        return self.source.page_text[self.start : self.end]

    @property
    def scale(self) -> int | None:
        """The power of ten that a table's head gives to its cells."""
        match = _SCALE.search(self.text)
        return _POWERS[match[1].lower()] if match else None


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim, ready to be compared: its words with their weights and its numbers."""

    text: str
    words: dict[str, float]
    numbers: tuple[Number, ...]
    hints: frozenset[int]


@dataclass(frozen=True, slots=True)
class Library:
    """The evidence of all passages in prompt order, and the language of their stems."""

    language: str | None
    evidence: tuple[Evidence, ...]


def prepare(sources: Sequence[Source]) -> Library:
    """Cut the sources' pages into evidence; a unit counts when its passage touches it."""
    sample = " ".join(source.passage.text for source in sources)[:LANGUAGE_SAMPLE]
    language = detect(sample)
    pages: dict[tuple[int, int, int], list[Source]] = {}
    for source in sources:
        passage = source.passage
        key = (passage.document_id, passage.version, passage.page)
        pages.setdefault(key, []).append(source)
    evidence = (e for page in pages.values() for e in _page_evidence(page, language))
    return Library(language, tuple(evidence))


def state(text: str, hints: Iterable[int], language: str | None) -> Statement:
    """Read a claim; `language` is the passages', as stems must be made alike."""
    plain = _UNIT_WORDS.sub(" ", text)
    names = {
        stem
        for match in list(_TOKEN.finditer(plain))[1:]
        if match.group()[:1].isupper()
        for stem in content_stems(match.group(), language)
    }
    words = {
        stem: NAME_WEIGHT if stem in names else 1.0
        for stem in content_stems(plain, language)
        if not stem.isdigit()
    }
    return Statement(text, words, tuple(numbers(text)), frozenset(hints))


def support(claim: Statement, library: Library) -> tuple[Evidence, ...] | str:
    """What supports a claim: a sentence, two neighbouring ones, or a row with its head.

    Returns:
        the evidence, to be quoted in this order, or the reason why there is none: "no_match",
        "number_mismatch" or "negation_mismatch".
    """
    reasons: list[str] = []
    for candidates in (library.evidence, _pairs(library.evidence)):
        ranked = sorted(
            ((_coverage(claim, e) + _bonus(claim, e), n, e) for n, e in enumerate(candidates)),
            key=lambda item: (-item[0], item[1]),
        )
        for _, _, evidence in ranked:
            verdict = _judge(claim, evidence, library.language)
            if not isinstance(verdict, str):
                return verdict
            reasons.append(verdict)
    return next((r for r in ("negation_mismatch", "number_mismatch") if r in reasons), "no_match")


def _page_evidence(sources: Sequence[Source], language: str | None) -> Iterator[Evidence]:
    header: Evidence | None = None
    for unit in split_units(sources[0].page_text):
        shown = [s for s in sources if _touches(s, unit)]
        found = _evidence(shown[0] if shown else sources[0], unit, language)
        if _is_header(found):
            header = found
        if shown:
            hints = frozenset(source.index for source in shown)
            above = header if unit.is_row and header != found else None
            yield dataclasses.replace(found, hints=hints, header=above)


def _touches(source: Source, unit: Unit) -> bool:
    return unit.start < source.passage.end and source.passage.start < unit.end


def _evidence(source: Source, unit: Unit, language: str | None) -> Evidence:
    text = source.page_text[unit.start : unit.end]
    stems = frozenset(content_stems(text, language))
    found = tuple(quoted_numbers(text))
    return Evidence(source, unit.start, unit.end, unit.is_row, frozenset(), stems, found)


def _is_header(evidence: Evidence) -> bool:
    """The head of a table of figures: a row whose numbers are years, or dates with them."""
    years = sum(number.is_year for number in evidence.numbers)
    return evidence.is_row and years * 2 >= len(evidence.numbers) > 0


def _pairs(evidence: Sequence[Evidence]) -> Iterator[Evidence]:
    """Neighbouring sentences of one page as one quote."""
    for one, two in itertools.pairwise(evidence):
        if one.is_row or two.is_row or not _adjacent(one, two):
            continue
        yield dataclasses.replace(
            one,
            end=two.end,
            hints=one.hints | two.hints,
            stems=one.stems | two.stems,
            numbers=one.numbers + two.numbers,
        )


def _adjacent(one: Evidence, two: Evidence) -> bool:
    text = one.source.page_text
    return text is two.source.page_text and not text[one.end : two.start].strip()


def _bonus(claim: Statement, evidence: Evidence) -> float:
    return HINT_BONUS if claim.hints & evidence.hints else 0.0


def _coverage(claim: Statement, evidence: Evidence) -> float:
    """Which share of the claim stands in the evidence, by weight; 0 when no word does."""
    words = sum(weight for stem, weight in claim.words.items() if stem in evidence.stems)
    if not words:
        return 0.0
    figures = NUMBER_WEIGHT * sum(_shown(number, evidence) for number in claim.numbers)
    total = sum(claim.words.values()) + NUMBER_WEIGHT * len(claim.numbers)
    return (words + figures) / total


def _shown(number: Number, evidence: Evidence) -> bool:
    head = evidence.header.numbers if evidence.header and number.is_year else ()
    return any(number.matches(other) for other in (*_cells(number, evidence), *head))


def _cells(number: Number, evidence: Evidence) -> list[Number]:
    """The evidence's numbers to compare with one of the claim.

    "EUR million" at the head of a table is the scale of its cells; it only matters to a number
    that has a scale itself, as not every row keeps to it (shares, margins).
    """
    scale = evidence.header.scale if evidence.header and number.scale else None
    if scale is None:
        return list(evidence.numbers)
    return [
        n if n.scale is not None else dataclasses.replace(n, scale=scale) for n in evidence.numbers
    ]


def _judge(
    claim: Statement, evidence: Evidence, language: str | None
) -> tuple[Evidence, ...] | str:
    figures = all(_shown(number, evidence) for number in claim.numbers)
    if _coverage(claim, evidence) < MIN_COVERAGE:
        words = sum(weight for stem, weight in claim.words.items() if stem in evidence.stems)
        alike = claim.words and words / sum(claim.words.values()) >= MIN_COVERAGE
        return "number_mismatch" if alike and not figures else "no_match"
    if not figures:
        return "number_mismatch"
    if opposed(claim.text, evidence.text, language):
        return "negation_mismatch"
    return _with_header(claim, evidence)


def _with_header(claim: Statement, evidence: Evidence) -> tuple[Evidence, ...] | str:
    """The evidence, and the head of its table when a year of the claim stands only there."""
    own = [n for n in claim.numbers if any(n.matches(o) for o in _cells(n, evidence))]
    years = [n for n in claim.numbers if n not in own]
    if not years:
        return (evidence,)
    header = evidence.header
    if header is None or not _columns_agree(own, years, evidence, header):
        return "number_mismatch"
    return evidence, header


def _columns_agree(
    cells: Sequence[Number], years: Sequence[Number], row: Evidence, header: Evidence
) -> bool:
    """Whether the claim's n-th figure stands under its n-th year.

    Columns are counted from the right, as notes stand on the left; a percentage has no year.
    """
    heads = [number for number in header.numbers if number.is_year][::-1]
    return len(cells) == len(years) and all(
        any(
            cell.matches(figure) and year.matches(head)
            for figure, head in zip(_columns(cell, row), heads, strict=False)
        )
        for cell, year in zip(cells, years, strict=True)
    )


def _columns(cell: Number, row: Evidence) -> list[Number]:
    return [number for number in _cells(cell, row) if number.kind != "percent"][::-1]
