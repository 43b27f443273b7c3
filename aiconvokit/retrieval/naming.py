"""Which documents a question names, by the words of titles, file names and first lines."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingestion.language import STOP_WORDS
from ingestion.lexical import lexical_text

MAX_WORDS = 60
"""Of a question; a pasted page is no name."""
ENOUGH = 0.5
"""A document named by half as much as the best one is not named."""

_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FUNCTION_WORDS = frozenset().union(*STOP_WORDS.values())


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document in whose names some words of the question occur; `score` sums their rarity."""

    document_id: int
    score: float
    words: frozenset[str]


def naming_words(question: str) -> dict[str, bool]:
    """Words that may name a document -> whether they can do so alone (a year cannot).

    Capitalised words and numbers, all words where nothing is capitalised, and neighbours joined,
    as file names have them ("Best Buy" is "bestbuy").
    """
    words = _WORD.findall(lexical_text(question))
    marked = [word for word in words if not word.islower() or word[0].isdigit()]
    if not any(word[0].isupper() for word in marked[1:] or marked):
        marked = words
    single = {word.lower() for word in marked} - _FUNCTION_WORDS
    wanted = set(marked)
    joined = {
        (first + second).lower()
        for first, second in pairwise(words)
        if first in wanted and second in wanted
    }
    found = [*sorted(single), *sorted(joined)][:MAX_WORDS]
    return {word: _YEAR.fullmatch(word) is None for word in found}


def priors(
    named: Sequence[NamedDocument], cited: Collection[int], cited_prior: float
) -> dict[int, float]:
    """Document id -> 0..1, how surely it is meant.

    Args:
        named: documents that the question names, if any.
        cited: documents that the last answer cited.
        cited_prior: what those get.
    """
    best = max((one.score for one in named), default=0.0)
    found = {
        one.document_id: prior
        for one in named
        if (prior := (one.score / best - ENOUGH) / (1 - ENOUGH)) > 0
    }
    for document_id in cited:
        found[document_id] = max(found.get(document_id, 0.0), cited_prior)
    return {document_id: prior for document_id, prior in found.items() if prior > 0}


def without_names(question: str, named: Iterable[NamedDocument], meant: Mapping[int, float]) -> str:
    """The question without the words that only name the document; whole when nothing is left."""
    names: set[str] = set().union(*(one.words for one in named if meant.get(one.document_id)))
    left = _WORD.sub(lambda word: " " if word.group().lower() in names else word.group(), question)
    return left if any(_asks(word) for word in _WORD.findall(left)) else question


def _asks(word: str) -> bool:
    return word.lower() not in _FUNCTION_WORDS
