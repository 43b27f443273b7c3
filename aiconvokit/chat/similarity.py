"""Support across languages: numbers, names and concepts must agree, and the embeddings be close."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from aiconvokit.chat.concepts import concepts, known_letters, parties
from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.number_proof import Figures, years_agree
from aiconvokit.chat.polarity import contrary
from aiconvokit.chat.reading import Reading, language_of
from aiconvokit.chat.shelves import Library
from aiconvokit.chat.support import Effort
from aiconvokit.chat.table_context import PAGE_CACHE
from ingestion.language import SIMPLE

SUPPORT_FROM: Mapping[str, float] = MappingProxyType({"multilingual-e5-small-q4": 0.87})
"""Cosine of claim (as a query) and quote from which on it supports, by embedding model.

On 76 pairs (37 true, 39 false of the same topic; German, Spanish, French, Chinese on English) what
is told apart below let 19 true ones and no false one through; .87 keeps 14 of them. On 40 others,
written afterwards: 2 of 16 and none of 24; without `KNOWN_SHARE`, false ones reached .864.
A model without a figure here supports nothing across languages: cosines of two spaces say nothing
about each other.
"""

KNOWN_SHARE = 0.5
"""So many of a claim's letters must be in names of the quote or in words of `concepts`: of the rest
only the vectors know anything, and they tell "holiday" from "sick leave" badly."""

MAX_CANDIDATES = 8
"""Quotes embedded for one claim."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A claim in another language than these quotes, whose numbers, names and concepts agree."""

    text: str
    candidates: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Similar:
    """The quotes that support a claim by the nearness of their vectors."""

    evidence: tuple[Evidence, ...]


def undecided(claim: Statement, library: Library, said: str, effort: Effort) -> Undecided | None:
    """What only vectors can decide: a claim whose quotes are in another language.

    Args:
        claim: one that no shared words support.
        library: the evidence of the prompt's passages.
        said: the answer up to the claim's end: its language is surer than that of one claim.
        effort: what is left of the answer's; without any, nothing is looked at.
    """
    own = language_of(claim.text)
    if library.languages <= {own}:
        return None
    answer_language = language_of(said)
    language = own if own != SIMPLE else answer_language
    if SIMPLE in {language, answer_language}:
        return None
    reading = claim.read(language)
    placed = [
        (not claim.hints & one.hints, place, one)
        for page in library.pages
        for name in library.languages - {language, answer_language}
        for place, one in page.shelf(name).numbered(reading)
        if not one.is_row
    ]
    placed.sort(key=lambda item: item[:2])
    fitting = (one for *_, one in placed if _agrees(claim, reading, one, effort))
    found = tuple(itertools.islice(fitting, MAX_CANDIDATES))
    return Undecided(claim.text, found) if found else None


def settled(one: Undecided, cosines: NDArray[np.float32], model: str) -> Similar | None:
    """The candidate that is near enough, if one is.

    Args:
        one: the claim with its candidates.
        cosines: of the claim, as a query, and each of its candidates, as passages.
        model: the embedding model they were made with.
    """
    threshold = SUPPORT_FROM.get(model)
    if threshold is None or not len(cosines):
        return None
    best = int(np.argmax(cosines))
    return Similar((one.candidates[best],)) if cosines[best] >= threshold else None


def _agrees(claim: Statement, reading: Reading, evidence: Evidence, effort: Effort) -> bool:
    names = _known_names(reading, evidence)
    if not (reading.numbers or names) or not effort.spend(reading, evidence):
        return False
    figures = Figures(reading, evidence)
    quote = evidence.reading
    said, shown = concepts(claim.text), concepts(evidence.text)
    letters = sum(len(word.text) for word in reading.words if word.key)
    known = known_letters(claim.text) + sum(map(len, names))
    return (
        bool(said)
        and said <= shown
        and known >= KNOWN_SHARE * letters
        and parties(claim.text) == _only(parties(evidence.text), parties(claim.text))
        and all(map(figures.shows, reading.numbers))
        and years_agree(reading, quote)
        and not contrary(reading, quote)
        and _names_agree(reading, evidence)
    )


def _only(order: Sequence[int], wanted: Sequence[int]) -> tuple[int, ...]:
    return tuple(party for party in order if party in wanted)


def _known_names(claim: Reading, evidence: Evidence) -> frozenset[str]:
    """Words of the claim that are names in the quote, whatever the language."""
    names = {word.text for word in evidence.reading.words if word.is_name}
    return frozenset(word.text for word in claim.words if word.text in names)


def _names_agree(claim: Reading, evidence: Evidence) -> bool:
    """Whether every name that both languages write alike, and the page knows, is in the quote."""
    page = _lowered(evidence.source.page_text)
    quote = evidence.text.lower()
    return all(word.text in quote or word.text not in page for word in claim.words if word.is_name)


@functools.lru_cache(PAGE_CACHE)
def _lowered(page_text: str) -> str:
    return page_text.lower()
