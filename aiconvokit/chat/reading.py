"""A text read for comparison: its words, names and numbers in their order."""

import functools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from aiconvokit.chat.numbers import Number, placed_numbers, plain, quoted_numbers
from aiconvokit.chat.synonyms import CANONICAL, NEUTRAL
from aiconvokit.retrieval.lexemes import POSSESSIVE, content_stems, stem
from ingestion.language import SIMPLE, STOP_WORDS, UNSEGMENTED_RUN, detect, is_unsegmented

READ_CACHE = 1 << 11
"""Texts kept read, some kilobytes each: the same passages come up turn after turn."""
KEY_CACHE = 1 << 16
"""Words kept with their keys, as stems are."""
CLAIM_CACHE = 1 << 7
"""Claims kept read while one answer is judged."""

MAX_KEPT = 20_000
"""Characters of a text that is kept so: with more, `READ_CACHE` of them would fill the memory."""

_DOLLARS = re.compile(r"(?:us|hk|[ac])\$", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|;")
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
    """At least the `keys` of a text and of each part of it, at a tenth of the time of reading it.

    None: unknown, as the text has a script without spaces between words.
    """
    if len(text) > MAX_KEPT:
        return _likely_keys(text, language)
    return _kept_likely_keys(text, language)


def _likely_keys(text: str, language: str | None) -> frozenset[str] | None:
    whole = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if whole.isascii():
        whole = whole.lower()
    elif UNSEGMENTED_RUN.search(whole):
        return None
    tokens = set(_TOKEN.findall(_NON.sub(r"\1", whole) if "non" in whole.lower() else whole))
    if "$" in whole:  # "us$" belongs to the number behind it
        tokens.update(_TOKEN.findall(_DOLLARS.sub(" ", whole)))
    owned = [token for token in tokens if not token.isalpha()]
    # A number takes the word "days" out of "days' notice", and leaves what is behind it.
    tokens.update(part for token in owned for part in _LETTERS.findall(token))
    tokens.update(POSSESSIVE.sub("", token) for token in owned)
    lower = tokens if whole.isascii() else {token.lower() for token in tokens}
    stop = STOP_WORDS.get(language or SIMPLE, frozenset())
    return frozenset(key_of(word, language) for word in lower - stop - _UNIT_NAMES)


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


def _words(text: str, language: str | None, *, is_start: bool) -> Iterator[Word]:
    stop = STOP_WORDS.get(language or SIMPLE, frozenset())
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
        is_content = lower not in stop and lower not in _UNIT_NAMES
        yield Word(lower, key_of(lower, language) if is_content else "", is_name)
        if len(token) < len(match.group()):
            yield Word(OWNS, "", is_name=False)


_HAN_PARTICLES = frozenset(
    "的了是在为和与及于将其该之而且也就都还对以由被把所我你他它们这那个の をはがにとでも"
)


def is_agent(word: str) -> bool:
    """Whether a word may name a doer: "supplier", "lessee", "tenant"."""
    return bool(_AGENT.search(word)) and word.removesuffix("s") not in _NO_AGENT


@functools.lru_cache(KEY_CACHE)
def key_of(word: str, language: str | None) -> str:
    """What a word is compared by: "" for one that states nothing."""
    if word in NEUTRAL or CONTRACTED.search(word):
        return ""
    if language == "english" and word in CANONICAL:
        return CANONICAL[word]
    if is_agent(word):
        return word.removesuffix("s")
    found = stem(word, language)
    return CANONICAL.get(found, found) if language == "english" else found
