"""The lexical leg outside SQL: how far to trust it, and word stems for texts already in hand.

Postgres stems the question itself (`to_tsvector(config, question)`), so that query and index
always agree; the stems made here compare texts with each other, never with the index.
"""

import functools
import re
import threading
from collections.abc import Callable

import Stemmer  # type: ignore[import-not-found]  # it ships no types

from ingestion.language import SIMPLE, STOP_WORDS
from ingestion.lexical import MARKS, paired

KNOWN_SHARE_CLOSED = 0.5
KNOWN_SHARE_OPEN = 0.8
"""Between these shares of known words the gate opens evenly.

A question in the collection's language has nearly all of its words in it; one in a foreign language
shares names and numbers only. With .5 and .8 a Spanish question on English passages kept recall@1
.856 of the dense leg's .868.
"""

KNOWN_PAIRS_CLOSED = 0.2
KNOWN_PAIRS_OPEN = 0.5
"""The same for questions without spaces: many of their pairs straddle two words or are grammar.

A Chinese question on Chinese passages knows half of its pairs in 5 passages (5 % of the questions:
.26) and three quarters in 120; on English passages no more than its names, .12 for 95 %.
"""

_STEM_CACHE = 1 << 16
_TOKEN = re.compile(rf"(?:[^\W_][{re.escape(MARKS)}]*)+(?:['\u2019][^\W\d_]+)*")
POSSESSIVE = re.compile(r"['\u2019]s?$")


def lexical_gate(
    query_language: str | None, collection_language: str | None, known_share: float
) -> float:
    """How far BM25 may be trusted for this question, in 0..1.

    Args:
        query_language: `detect` of the question: "simple" decides nothing, None is a question
            without spaces between words, which the collection's configuration says nothing about.
        collection_language: the collection's configuration; None: nothing is in it.
        known_share: share of the question's lexemes that occur in the collection, 0..1.
    """
    if collection_language is None:
        return 0.0
    if query_language == collection_language and query_language != SIMPLE:
        return 1.0
    closed, opened = KNOWN_SHARE_CLOSED, KNOWN_SHARE_OPEN
    if query_language is None:
        closed, opened = KNOWN_PAIRS_CLOSED, KNOWN_PAIRS_OPEN
    return min(1.0, max(0.0, (known_share - closed) / (opened - closed)))


def content_stems(text: str, language: str | None) -> list[str]:
    """Stems of a text's words and numbers in their order, without function words.

    `language` is a text search configuration; without a stemmer for it words stay as they are. Text
    without spaces between words gives pairs of neighbouring characters.
    """
    stop = STOP_WORDS.get(language or SIMPLE, frozenset())
    found = _TOKEN.finditer(paired(text))
    tokens = (POSSESSIVE.sub("", match.group().lower()) for match in found)
    return [stem(token, language) for token in tokens if token not in stop]


@functools.lru_cache(maxsize=_STEM_CACHE)
def stem(word: str, language: str | None) -> str:
    """The stem of one lower-case word."""
    return _stemmers.of(language)(word) if language in _STEMMED else word


class _Stemmers(threading.local):
    """What stems each language: it keeps the word it works on, so every thread has its own."""

    def __init__(self) -> None:
        self._made: dict[str | None, Callable[[str], str]] = {}

    def of(self, language: str | None) -> Callable[[str], str]:
        """That of a language, without a cache of its own."""
        if language not in self._made:
            self._made[language] = Stemmer.Stemmer(language, 0).stemWord
        return self._made[language]


_stemmers = _Stemmers()
_STEMMED = frozenset(Stemmer.algorithms()) & frozenset(STOP_WORDS)
