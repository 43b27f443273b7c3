"""A text read for comparison: its words, names and numbers in their order."""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from aiconvokit.chat.numbers import Number, placed_numbers, plain, quoted_numbers
from aiconvokit.chat.synonyms import CANONICAL, NEUTRAL
from aiconvokit.retrieval.lexemes import POSSESSIVE, content_stems, stem
from ingestion.language import (
    SIMPLE,
    STOP_WORDS,
    detect,
    is_partly_unsegmented,
    is_unsegmented,
    words,
)

READ_CACHE = 1 << 11
"""Texts kept read, some kilobytes each: the same passages come up turn after turn."""
KEY_CACHE = 1 << 15
"""Words of a language kept with their keys, in some megabytes; then it begins again."""
MAX_WORD = 100
"""Letters of a word that is kept so; with more it is no word of any language."""
CUT_CACHE = 1 << 8
"""Texts kept cut: only those that a claim comes very near to."""
CLAIM_CACHE = 1 << 7
"""Claims kept read while one answer is judged."""

MAX_KEPT = 20_000
"""Characters of a text that is kept so: with more, `READ_CACHE` of them would fill the memory."""

_DOLLARS = re.compile(r"(?:us|hk|[ac])\$", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|;")
_BORDER = re.compile(r"([,;:()\[\]\u2013\u2014\u3001]|(?<=\s)-(?=\s))")
_NON = re.compile(r"\b(non)[-\u2010\u2011](?=\w)", re.IGNORECASE)
# "lender" and "lending", "insurer" and "insured": who it is must not be stemmed away.
_AGENT = re.compile(r"..(?:er|or|ee)s?$|(?:ten|cli|recipi|applic|consult|ag|claim|defend)[ae]nts?$")
_NO_AGENT_LIST = """
deliver consider remember enter cover recover discover differ refer prefer suffer order
number quarter fee server water power paper letter matter offer transfer december september
october november error factor sector minor major prior other master chapter register center
per computer member tender either neither whether never however after under over käuferin
oder aber über unter immer jeder dieser einer der vor wieder ferner"""
_NO_AGENT = frozenset(_NO_AGENT_LIST.split())
CONTRACTED = re.compile(r"n['\u2019]t$")
_UNIT_NAMES_LIST = """
thousand thousands million millions billion billions trillion mn mio bn mrd tsd k m
millionen milliarden millones millions milliards percent prozent cent dollar dollars euro
euros usd eur gbp chf jpy cny rmb us"""
_UNIT_NAMES = frozenset(_UNIT_NAMES_LIST.split())


OWNS = "'s"
"""The text of the mark behind an owner: "the Buyer's consent"."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word in its place. `key` is its stem or that of its synonyms; "" for a function word."""

    text: str
    key: str
    is_name: bool


Term = Word | Number


@dataclass(frozen=True, slots=True)
class Reading:
    """A text in its own language: `terms` in their order, the keys of its content words."""

    language: str | None
    terms: tuple[Term, ...]
    keys: frozenset[str]
    names: frozenset[str]
    numbers: tuple[Number, ...]

    @property
    def words(self) -> Iterator[Word]:
        return (term for term in self.terms if isinstance(term, Word))


@functools.lru_cache(CLAIM_CACHE)
def language_of(text: str) -> str | None:
    """`detect`, kept for the texts that come up again."""
    return detect(text)


@functools.lru_cache(CLAIM_CACHE)
def read_claim(text: str, language: str | None) -> Reading:
    """Read what an answer says."""
    return _read(text, language)


@functools.lru_cache(READ_CACHE)
def read_quote(text: str, language: str | None) -> Reading:
    """Read what a document says: its numbers are all that it may prove."""
    reading = _read(text, language)
    numbers = tuple(quoted_numbers(text, language))
    return Reading(language, reading.terms, reading.keys, reading.names, numbers)


def likely_keys(text: str, language: str | None) -> frozenset[str] | None:
    """At least the `keys` of a text and of each part of it, at a fiftieth of the time of reading.

    None: unknown, as the text has a script without spaces between words.
    """
    if len(text) > MAX_KEPT:
        return _likely_keys(text, language)
    return _kept_likely_keys(text, language)


def _likely_keys(text: str, language: str | None) -> frozenset[str] | None:
    whole = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if is_partly_unsegmented(whole):
        return None
    found = words(whole)
    if "$" in whole and _DOLLARS.search(whole):  # "us$" belongs to the number behind it
        found += words(_DOLLARS.sub(" ", whole))
    if "'" in whole or "\u2019" in whole:
        # A number takes the word "days" out of "days' notice", and leaves what is behind it.
        owned = frozenset(itertools.filterfalse(str.isalpha, found))
        found += (part for word in owned for part in _LETTERS.findall(word))
        found += (POSSESSIVE.sub("", word) for word in owned)
    if "non" in found:
        found += words(_NON.sub(r"\1", whole))
    return frozenset(map(_keys_of(language).__getitem__, found))


_kept_likely_keys = functools.lru_cache(READ_CACHE)(_likely_keys)


@functools.lru_cache(READ_CACHE)
def quoted_stems(text: str, language: str | None) -> frozenset[str]:
    """The `content_stems` of a text, kept."""
    return frozenset(content_stems(text, language))


def _read(text: str, language: str | None) -> Reading:
    spelled = _NON.sub(r"\1", plain(text))
    placed = placed_numbers(spelled, language)
    terms: list[Term] = []
    begin = 0
    for one in placed:
        terms += _words(spelled[begin : one.start], language, is_start=begin == 0)
        terms.append(one.number)
        begin = max(begin, one.end)
    terms += _words(spelled[begin:], language, is_start=begin == 0)
    words = [term for term in terms if isinstance(term, Word) and term.key]
    return Reading(
        language,
        tuple(terms),
        frozenset(word.key for word in words),
        frozenset(word.key for word in words if word.is_name),
        tuple(one.number for one in placed),
    )


@functools.lru_cache(CUT_CACHE)
def gaps(text: str, language: str | None) -> tuple[str, ...]:
    """The commas, brackets and dashes before each term of a text's reading, and behind the last."""
    spelled = _NON.sub(r"\1", plain(text))
    found: list[str] = []
    signs = ""
    begin = 0
    for one in (*placed_numbers(spelled, language), None):
        for piece in _BORDER.split(spelled[begin : one.start if one else None]):
            if _BORDER.fullmatch(piece):
                signs += piece
            for _ in _words(piece, language, is_start=False):
                found.append(signs)
                signs = ""
        if one is None:
            break
        found.append(signs)
        signs = ""
        begin = max(begin, one.end)
    return (*found, signs)


def _words(text: str, language: str | None, *, is_start: bool) -> Iterator[Word]:
    keys = _keys_of(language)
    for at, match in enumerate(_TOKEN.finditer(text)):
        token = POSSESSIVE.sub("", match.group())
        lower = token.lower()
        if lower == ";":
            yield Word(lower, "", is_name=False)
            continue
        if language is None and len(lower) > 1 and is_unsegmented(lower):
            for sign in lower:
                yield Word(sign, "" if sign in _HAN_PARTICLES else sign, is_name=False)
            continue
        # All nouns have capitals in German, and every first word has one.
        first = is_start and at == 0 and not text[: match.start()].strip(" \"'\u201c\u201e(*_")
        is_name = token[0].isupper() and not first and language != "german"
        yield Word(lower, keys[lower], is_name)
        if len(token) < len(match.group()):
            yield Word(OWNS, "", is_name=False)


_HAN_PARTICLES = frozenset(
    "的了是在为和与及于将其该之而且也就都还对以由被把所我你他它们这那个の をはがにとでも"
)


def is_agent(word: str) -> bool:
    """Whether a word may name a doer: "supplier", "lessee", "tenant"."""
    return bool(_AGENT.search(word)) and word.removesuffix("s") not in _NO_AGENT


class _Keys(dict[str, str]):
    """What the words of one language are compared by: "" for those that state nothing."""

    def __init__(self, language: str | None) -> None:
        self._language = language
        self._stop = STOP_WORDS.get(language or SIMPLE, frozenset())

    def __missing__(self, word: str) -> str:
        key = self._found(word)
        if len(self) >= KEY_CACHE:
            self.clear()
        if len(word) <= MAX_WORD:
            self[word] = key
        return key

    def _found(self, word: str) -> str:
        if word in self._stop or word in _UNIT_NAMES or word in NEUTRAL or CONTRACTED.search(word):
            return ""
        canonical = CANONICAL if self._language == "english" else {}
        if word in canonical:
            return canonical[word]
        if is_agent(word):
            return word.removesuffix("s")
        found = stem(word, self._language)
        return canonical.get(found, found)


_keys_of = functools.cache(_Keys)
"""The keys of a language, found once for each word."""
