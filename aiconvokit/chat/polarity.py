"""Whether two texts say opposite things about the same words."""

import re

from aiconvokit.retrieval.lexemes import content_stems, stem
from ingestion.language import STOP_WORDS

_NEGATORS = {
    "english": "not no never none neither nor without cannot",
    "german": "nicht nie niemals ohne weder noch kein keine keinen keiner keinem keines",
    "french": "ne n pas jamais aucun aucune sans ni",
    "spanish": "no nunca jamás sin ningún ninguna ninguno ni",
    "italian": "non mai senza nessun nessuna nessuno né",
    "portuguese": "não nunca sem nenhum nenhuma nem",
    "dutch": "niet geen nooit zonder",
    "danish": "ikke ingen intet aldrig uden",
    "norwegian": "ikke ingen intet aldri uten",
    "swedish": "inte ej ingen inget inga aldrig utan",
    "russian": "не нет ни никогда без",
    "arabic": "لا لم لن ليس ليست غير بدون",
}
_OPPOSITES = (
    ("increase", "decrease"), ("increase", "decline"), ("rise", "fall"), ("rose", "fell"),
    ("grew", "fell"), ("grew", "declined"), ("grew", "decreased"), ("profit", "loss"),
    ("gain", "loss"), ("higher", "lower"), ("above", "below"), ("before", "after"),
    ("include", "exclude"), ("minimum", "maximum"), ("buyer", "seller"), ("accept", "reject"),
    ("limited", "unlimited"), ("permitted", "prohibited"), ("asset", "liability"),
)  # fmt: skip

REACH = 3
"""Content words that a negation may concern: "without the prior written consent"."""

_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_CONTRACTED = re.compile(r"n['\u2019]t$")
# Negations that limit an amount or open a list; they deny nothing.
_IDIOMS = re.compile(
    r"\b(?:not|no)\s+(?:later|more|less|fewer|only|earlier|limited)\b|\bwhether\s+or\s+not\b",
    re.IGNORECASE,
)
_HAN_NEGATION = re.compile("[\u4e0d\u6ca1\u6c92\u65e0\u7121\u975e\u672a]|\u306a\u3044")


def opposed(claim: str, quote: str, language: str | None) -> bool:
    """Whether the claim denies what the quote says, or says what the quote denies.

    A negation concerns the content word after it: "may not assign" is about "assign". English
    opposites (increase, decrease) count as well.
    """
    if language is None:
        return bool(_HAN_NEGATION.search(claim)) != bool(_HAN_NEGATION.search(quote))
    said, shown = set(_words(claim, language)), set(_words(quote, language))
    denied, by_quote = _denied(claim, language, 1), _denied(quote, language, 1)
    if denied and not by_quote:
        return True
    # A word that one side denies at once must be within reach of a negation on the other side.
    if (by_quote & said) - _denied(claim, language, REACH):
        return True
    if (denied & shown) - _denied(quote, language, REACH):
        return True
    return language == "english" and _turned(said, shown)


def _words(text: str, language: str) -> list[str]:
    return [*content_stems(text, language), *(w.lower() for w in _TOKEN.findall(text))]


def _denied(text: str, language: str, reach: int) -> set[str]:
    """The stems of the first `reach` content words after each negation; "" when none follows."""
    negators = _NEGATORS.get(language, _NEGATORS["english"]).split()
    stop = STOP_WORDS.get(language, frozenset())
    denied: set[str] = set()
    left = 0
    for token in _TOKEN.findall(_IDIOMS.sub(" ", text).lower()):
        if token in negators or _CONTRACTED.search(token):
            left = reach
        elif left and token not in stop and not token.endswith("ly"):
            denied.add(stem(token, language))
            left -= 1
    return denied | {""} if left == reach else denied


def _turned(said: set[str], shown: set[str]) -> bool:
    """Whether the claim has one word of a pair of opposites and the quote only the other."""
    for pair in _OPPOSITES:
        one, other = ({word, stem(word, "english")} for word in pair)
        if said & one and shown & other and not (said & other or shown & one):
            return True
        if said & other and shown & one and not (said & one or shown & other):
            return True
    return False
