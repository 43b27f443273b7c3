"""Which documents a question names, by the words of titles, file names and first lines."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiconvokit.retrieval.recipe import Recipe
from ingestion.language import FUNCTION_WORDS
from ingestion.lexical import lexical_text

MAX_WORDS = 60
"""Of a question; a pasted page is no name."""
MAX_WORD_CHARACTERS = 100
"""What is longer is no name, and Postgres takes no word of 2 kB."""
MAX_CHARACTERS = 5_000
"""Of a question that are looked through."""
ENOUGH = 0.5
"""A document named by half as much as the best one is not named."""

_NOUNS_HAVE_CAPITALS = "german"
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?:;]\s\W*$")
_REACH = 20
"""Characters before a word that tell whether a sentence begins with it."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document in whose names some words of the question occur.

    `score` sums their rarity, in units of a word that one document alone has.
    """

    document_id: int
    score: float
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class NamingWords:
    """Words that may name a document -> whether they can do so alone (a year cannot).

    `in_heads`: they count in a document's first lines, too, not in titles only.
    """

    words: Mapping[str, bool]
    in_heads: bool


def naming_words(question: str, language: str | None) -> NamingWords:
    """The words of a question that may name a document.

    Only what is written like a name: with a capital inside a sentence, or with a digit. Neighbours
    are joined, too, as file names have them ("Best Buy" is "bestbuy"). In German every noun has a
    capital, so there they count in titles only.
    """
    text = lexical_text(question[:MAX_CHARACTERS])
    words = [
        (match.group().lower(), _is_name(match, text))
        for match in _WORD.finditer(text)
        if len(match.group()) <= MAX_WORD_CHARACTERS
    ]
    single = [word for word, is_name in words if is_name and word not in FUNCTION_WORDS]
    joined = [first + second for (first, name), (second, too) in pairwise(words) if name and too]
    found = {word: _YEAR.fullmatch(word) is None for word in [*single, *joined][:MAX_WORDS]}
    return NamingWords(found, in_heads=language != _NOUNS_HAVE_CAPITALS)


def _is_name(match: re.Match[str], text: str) -> bool:
    word = match.group()
    if any(char.isdigit() for char in word) or word[1:].upper() == word[1:] != "":
        return True
    if not word[0].isupper():
        return False
    before = text[max(0, match.start() - _REACH) : match.start()]
    is_first = match.start() <= _REACH and _WORD.search(before) is None
    return not is_first and _SENTENCE_END.search(before) is None


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
    return word.lower() not in FUNCTION_WORDS
