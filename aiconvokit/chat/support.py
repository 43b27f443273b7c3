"""The search for the sentence or table row that supports a claim."""

import itertools
from dataclasses import dataclass

from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.number_proof import Figures, columns_agree, years_agree
from aiconvokit.chat.polarity import opposed
from aiconvokit.chat.reading import (
    Reading,
    Word,
)
from aiconvokit.chat.roles import swapped
from aiconvokit.chat.shelves import Library
from aiconvokit.chat.shortening import Shortening
from aiconvokit.chat.synonyms import THE_COMPANY

NAME_WEIGHT = 2.0
NUMBER_WEIGHT = 2.0
"""A name or a number says more than another word; every one must be there anyway."""

HINT_BONUS = 0.1
"""What the model's own mark is worth: it decides between spans that support alike."""

LONG_LABEL = 4
LONG_LABEL_SHARE = 0.7
"""A row's label must be in the claim; of one with more words than `LONG_LABEL` so much."""

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


def _judge(claim: Reading, evidence: Evidence, effort: Effort) -> tuple[Evidence, ...] | str:
    if _is_verbatim(claim, evidence.reading):
        return (evidence,)
    if not effort.spend(claim, evidence):
        return "no_match"
    return _compared(claim, evidence)


def _compared(claim: Reading, evidence: Evidence) -> tuple[Evidence, ...] | str:
    figures = Figures(claim, evidence)
    quote = evidence.reading
    if not all(map(figures.shows, claim.numbers)):
        return "number_mismatch"
    refused = _refused(claim, quote)
    if not _says_it(claim, evidence):
        return refused or "no_match"
    if evidence.is_row or claim.language is None:
        return refused or _with_header(claim, evidence)
    shortening = Shortening(claim, quote, evidence.text)
    if refused and any(_refused(claim, core) is None for core in shortening.cores()):
        refused = None
    if not refused and not shortening.is_true():
        refused = "negation_mismatch"
    return refused or _with_header(claim, evidence)


def _refused(claim: Reading, quote: Reading) -> str | None:
    """Why a quote with the claim's words and numbers does not say the same; None: it does."""
    if not years_agree(claim, quote):
        return "number_mismatch"
    if opposed(claim, quote):
        return "negation_mismatch"
    return "no_match" if swapped(claim, quote) else None


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
