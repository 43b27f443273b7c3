"""What limits a number in a text: "at least 5", "5 or more", "about 5", "within 5 days"."""

import re
from collections.abc import Iterator, Sequence

from aiconvokit.chat.numbers import Number, proven
from aiconvokit.chat.reading import Reading, Term, Word

GROUP_REACH = 6
"""Terms from a sentence's beginning in which it says of whom it speaks."""
REACH = 4
"""Words before a number in which its limit stands: "not less than", "in excess of"."""

_BEFORE = {
    "least": "at least|minimum of|(?:no|not) (?:less|fewer) than|mindestens|wenigstens|al menos"
    "|au moins|nicht weniger als",
    "most": "at most|up to|maximum of|(?:no|not) more than|(?:not|never) (?:to )?exceed(?:ing)?"
    "|höchstens|maximal|bis zu|nicht mehr als|au plus|como máximo",
    "more": "(?<!no )(?<!not )(?<!nicht )(?:more than|mehr als)|over|above|exceed(?:s|ing|ed)?"
    "|excess of|greater than|higher than|über|más de|plus de",
    "less": "(?<!no )(?<!not )(?<!nicht )(?:less than|fewer than|weniger als)|under|below"
    "|lower than|unter|menos de|moins de",
    "about": "approximately|about|around|roughly|circa|nearly|almost|rund|etwa|ungefähr|ca|knapp"
    "|fast|environ|aproximadamente",
    "exact": "exactly|precisely|genau|exakt",
    "in": "within|innerhalb(?: von)?|binnen",
    "after": "after|nach|following",
    "before": "before|vor|prior to",
}
_BEHIND = {
    "least": "or (?:more|over|longer|later|higher)|oder mehr|and (?:above|over)",
    "most": "or (?:less|fewer|under|below|earlier)|oder weniger",
}
_OF_A_GROUP = frozenset(["over", "under", "above", "below", "unter", "über", "ab"])
_FILLER = "(?: (?:a|an|the|another|of|total|einer|einem|einen))?"
_LIMITS_BEFORE = [
    (name, re.compile(rf"(?<!\S)(?:{words}){_FILLER}$")) for name, words in _BEFORE.items()
]
_LIMITS_BEHIND = [(name, re.compile(rf"(?:\S+ )?(?:{words})\b")) for name, words in _BEHIND.items()]

_SAID_ELSEWHERE = {
    "least": frozenset(["minimum", "minimal", "least"]),
    "most": frozenset(["maximum", "limited", "limit", "cap", "capped", "begrenzt", "exceed"]),
}
"""Words that limit a number from afar: "the minimum order is 5"."""


def limits_agree(claim: Reading, quote: Reading) -> bool:
    """Whether each number of the claim has the limits that it has in the quote.

    "96 more than a year before" and "1,204 people" do not make "more than 1,204 people".
    """
    shown = _limited(quote)
    words = _texts(claim), _texts(quote)
    agree = all(_is_shown(number, limits, shown, words) for number, limits in _limited(claim))
    return agree and not _drops_group(claim, quote)


def _drops_group(claim: Reading, quote: Reading) -> bool:
    """Whether the claim says of all what the quote says of some: "patients over 65 should"."""
    terms = quote.terms[:GROUP_REACH]
    for group, limit, number in zip(terms, terms[1:], terms[2:], strict=False):
        if not (isinstance(group, Word) and isinstance(limit, Word) and isinstance(number, Number)):
            continue
        if limit.text in _OF_A_GROUP and group.key in claim.keys:
            return not any(map(number.matches, claim.numbers))
    return False


def _is_shown(
    number: Number,
    limits: frozenset[str],
    shown: Sequence[tuple[Number, frozenset[str]]],
    words: tuple[frozenset[str], frozenset[str]],
) -> bool:
    theirs = [own for other, own in shown if any(map(number.matches, proven(other)))]
    return not theirs or any(_agree(limits, own, words) for own in theirs)


def _agree(
    said: frozenset[str], shown: frozenset[str], words: tuple[frozenset[str], frozenset[str]]
) -> bool:
    for one in said ^ shown:
        elsewhere = words[0] if one in shown else words[1]
        if one == "in" and not said & {"after", "before"}:
            continue  # "30 days" for "within 30 days"
        if elsewhere.isdisjoint(_SAID_ELSEWHERE.get(one, ())):
            return False
    return True


def _limited(reading: Reading) -> list[tuple[Number, frozenset[str]]]:
    return [
        (term, frozenset(_limits(reading.terms, at)))
        for at, term in enumerate(reading.terms)
        if isinstance(term, Number)
    ]


def _limits(terms: Sequence[Term], at: int) -> Iterator[str]:
    before = _words(terms[max(0, at - REACH) : at][::-1])
    spoken = " ".join(before[::-1])
    yield from (name for name, pattern in _LIMITS_BEFORE if pattern.search(spoken))
    spoken = " ".join(_words(terms[at + 1 : at + 4]))
    yield from (name for name, pattern in _LIMITS_BEHIND if pattern.match(spoken))


def _words(terms: Sequence[Term]) -> list[str]:
    """The words up to the first number."""
    found: list[str] = []
    for term in terms:
        if not isinstance(term, Word):
            break
        found.append(term.text)
    return found


def _texts(reading: Reading) -> frozenset[str]:
    return frozenset(word.text for word in reading.words)
