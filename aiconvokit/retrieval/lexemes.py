"""The lexical leg outside SQL: how far to trust it, and word stems for texts already in hand.

Postgres stems the question itself (`to_tsvector(config, question)`), so that query and index
always agree; the stems made here compare texts with each other, never with the index.
"""

import functools
import re

import snowballstemmer  # type: ignore[import-untyped]  # it ships no types

from ingestion.language import SIMPLE, STOP_WORDS, is_unsegmented

KNOWN_SHARE_CLOSED = 0.5
KNOWN_SHARE_OPEN = 0.8
"""Between these shares of known words the gate opens evenly.

A question in the collection's language has nearly all of its words in it; one in a foreign language
shares names and numbers only. With .5 and .8 a Spanish question on English passages kept recall@1
.856 of the dense leg's .868.
"""

_STEM_CACHE = 1 << 16
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['\u2019]s?$")


def lexical_gate(
    query_language: str | None, collection_language: str | None, known_share: float
) -> float:
    """How far BM25 may be trusted for this question, in 0..1.

    Args:
        query_language: `detect` of the question; "simple" and None decide nothing.
        collection_language: the collection's configuration; None: it has no lexical leg.
        known_share: share of the question's lexemes that occur in the collection, 0..1.
    """
    if collection_language is None:
        return 0.0
    if query_language == collection_language and query_language != SIMPLE:
        return 1.0
    span = KNOWN_SHARE_OPEN - KNOWN_SHARE_CLOSED
    return min(1.0, max(0.0, (known_share - KNOWN_SHARE_CLOSED) / span))


def content_stems(text: str, language: str | None) -> list[str]:
    """Stems of a text's words and numbers in their order, without function words.

    `language` is a text search configuration; without a stemmer for it words stay as they are. Text
    without spaces between words gives pairs of neighbouring characters.
    """
    stop = STOP_WORDS.get(language or SIMPLE, frozenset())
    tokens = (_POSSESSIVE.sub("", match.group().lower()) for match in _TOKEN.finditer(text))
    return [
        stem(piece, language) for token in tokens if token not in stop for piece in _pieces(token)
    ]


def _pieces(token: str) -> list[str]:
    if len(token) < 3 or not is_unsegmented(token):
        return [token]
    return [token[i : i + 2] for i in range(len(token) - 1)]


@functools.lru_cache(maxsize=_STEM_CACHE)
def stem(word: str, language: str | None) -> str:
    """The stem of one lower-case word."""
    if language not in _STEMMED:
        return word
    # A stemmer keeps the word it works on: one for each call, as threads may share this function.
    return str(snowballstemmer.stemmer(language).stemWord(word))


_STEMMED = frozenset(snowballstemmer.algorithms()) & frozenset(STOP_WORDS)
