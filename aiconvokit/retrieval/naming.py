"""Which documents a question names, by the words of titles, file names and first lines."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiconvokit.retrieval.recipe import Recipe
from ingestion.language import STOP_WORDS
from ingestion.lexical import lexical_text

MAX_WORDS = 60
"""Of a question; a pasted page is no name."""
ENOUGH = 0.5
"""A document named by half as much as the best one is not named."""

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;]\s)\W*$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FUNCTION_WORDS = frozenset().union(*STOP_WORDS.values())


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document in whose names some words of the question occur.

    `score` sums their rarity, in units of a word that one document alone has.
    """

    document_id: int
    score: float
    words: frozenset[str]


def naming_words(question: str) -> dict[str, bool]:
    """Words that may name a document -> whether they can do so alone (a year cannot).

    Only what is written like a name: with a capital inside a sentence, or with a digit. Neighbours
    are joined, too, as file names have them ("Best Buy" is "bestbuy").
    """
    text = lexical_text(question)
    words = [(match.group().lower(), _is_name(match, text)) for match in _WORD.finditer(text)]
    single = [word for word, is_name in words if is_name and word not in _FUNCTION_WORDS]
    joined = [first + second for (first, name), (second, too) in pairwise(words) if name and too]
    return {word: _YEAR.fullmatch(word) is None for word in [*single, *joined][:MAX_WORDS]}


def _is_name(match: re.Match[str], text: str) -> bool:
    word = match.group()
    if any(char.isdigit() for char in word) or word[1:].upper() == word[1:] != "":
        return True
    return word[0].isupper() and _SENTENCE_START.search(text[: match.start()]) is None


def priors(
    named: Sequence[NamedDocument], cited: Collection[int], recipe: Recipe
) -> dict[int, float]:
    """Document id -> 0..1, how surely it is meant.

    Args:
        named: documents that the question may name.
        cited: documents that the last answer cited.
        recipe: how much it takes to be named, and what a cited document gets.
    """
    best = max((one.score for one in named), default=0.0)
    found = dict.fromkeys(cited, recipe.cited)
    if best >= recipe.named_from:
        for one in named:
            prior = (one.score / best - ENOUGH) / (1 - ENOUGH)
            found[one.document_id] = max(found.get(one.document_id, 0.0), prior)
    return {document_id: prior for document_id, prior in found.items() if prior > 0}


def without_names(question: str, named: Iterable[NamedDocument], meant: Mapping[int, float]) -> str:
    """The question without the words that only name the document; whole when nothing is left."""
    names: set[str] = set().union(*(one.words for one in named if meant.get(one.document_id)))
    left = _WORD.sub(lambda word: " " if word.group().lower() in names else word.group(), question)
    return left if any(_asks(word) for word in _WORD.findall(left)) else question


def _asks(word: str) -> bool:
    return word.lower() not in _FUNCTION_WORDS
