"""What a sentence says beside: it may be left out, or tells which of many the rest is about."""

from collections.abc import Sequence

from aiconvokit.chat.conditions import INVERTED, is_conditional
from aiconvokit.chat.parts import JOINTS, Part, Taken, is_aside, is_relative, is_second_verb
from aiconvokit.chat.polarity import negations
from aiconvokit.chat.reading import Reading, Word

_REASONS_LIST = """
although though because since as while whereas unlike instead despite besides obwohl weil da während
nachdem statt trotz anders"""
_REASONS = frozenset(_REASONS_LIST.split())
"""They begin a part that is true, and so is the rest without it."""
_CONTRASTS = frozenset(["but", "however", "otherwise", "nor", "jedoch", "aber", "sondern", "sonst"])
_COMPARING_LIST = "more less fewer higher lower up down compared mehr weniger verglichen"
_COMPARING = frozenset(_COMPARING_LIST.split())
_IFS = frozenset(["if", "unless", "when", "until", "wenn", "falls", "sofern", "bis"])
_OF_ONE = frozenset(["der", "das", "dem", "dessen", "welcher", "welches", "welchem"])
_OF_MANY = frozenset(["die", "deren", "denen", "welche"])
_PLURAL = frozenset(["sind"])
_PLACES = frozenset(["in", "at", "near", "aus", "von", "bei"])
_WHO = frozenset(["who", "whose", "whom", "which"])
"""Without a comma before it, it says which of many: "employees who joined before 2020"."""


def may_go(part: Part, at: int, parts: Sequence[Part], quote: Reading) -> bool:
    """Whether the sentence is true without a part from which a claim takes nothing."""
    texts = part.texts
    if is_conditional(part, quote) or _is_restrictive(part, quote):
        return False
    if is_second_verb(part.terms[:2]):
        return True
    if begins_anew(part):
        return False
    following = parts[at + 1 : at + 2]
    if texts[0] in _REASONS or _compares(part, following):
        return True
    return _is_beside(part, parts[:at], following, quote)


def _is_beside(
    part: Part, before: Sequence[Part], following: Sequence[Part], quote: Reading
) -> bool:
    """Whether a part is an aside, with a negation one about something that has a name."""
    if denies(part, quote):
        return is_relative(part, quote) and _is_about_one(part, before, quote)
    return is_aside(part, quote) or not _is_listed(part, following)


def is_main(part: Part) -> bool:
    """Whether a part is more than a condition or a reason."""
    return part.texts[0] not in _REASONS | _IFS | INVERTED


def begins_anew(part: Part) -> bool:
    """Whether a section goes on with what holds for the one before: "; however, …"."""
    return part.texts[0] in _CONTRASTS


def begins_closed(part: Part) -> bool:
    """Whether a part begins something of its own: "although", "but has"."""
    return part.texts[0] in _REASONS | _CONTRASTS or is_second_verb(part.terms[:2])


def denies(part: Part, quote: Reading) -> bool:
    """Whether a part has a negation."""
    return next(negations(part.terms, quote.language), None) is not None


def _compares(part: Part, following: Sequence[Part]) -> bool:
    """Whether a part at the end of its section compares: ", 96 more than a year before"."""
    is_last = not following or following[0].section != part.section
    return is_last and not _COMPARING.isdisjoint(part.texts[:2])


def _is_restrictive(part: Part, quote: Reading) -> bool:
    """Whether a German "die" tells which of many, as its verb at the end is a plural."""
    if quote.language != "german" or part.in_brackets or part.texts[0] not in _OF_MANY:
        return False
    last = part.texts[-1]
    return is_relative(part, quote) and (last in _PLURAL or last.endswith("en"))


def _is_about_one(part: Part, before: Sequence[Part], quote: Reading) -> bool:
    """Whether what stands before a "which" is one thing with a name: "the plant in Kaunas"."""
    if part.in_brackets:
        return True
    if not before:
        return False
    words = [term for term in before[-1].terms if isinstance(term, Word)]
    if quote.language != "german":
        return any(word.key in quote.names for word in words if word.key)
    texts = [word.text for word in words]
    return part.texts[0] in _OF_ONE and any(
        text in _PLACES and word.key for text, word in zip(texts, words[1:], strict=False)
    )


def _is_listed(part: Part, following: Sequence[Part]) -> bool:
    """Whether a part is one of several things: "in Canada, Mexico and Peru"."""
    if following and following[0].texts[0] in JOINTS:
        return True
    first = part.terms[0]
    begins_with_thing = isinstance(first, Word) and first.key and not first.text.endswith("ing")
    return bool(begins_with_thing) and not JOINTS.isdisjoint(part.texts)


def drops_which(taken: Taken, said: frozenset[str], quote: Reading) -> bool:
    """Whether the claim says of all what the sentence says of those "who joined before 2020"."""
    if not _WHO.isdisjoint(said) or quote.language == "german":
        return any(
            not taken.own(part) and _is_restrictive(part, quote) and taken.own(before)
            for before, part in zip(taken.parts, taken.parts[1:], strict=False)
        )
    for number, part in enumerate(taken.parts):
        at = next((n for n, text in enumerate(part.texts) if n and text in _WHO), None)
        if at is None or part.texts[at - 1] in {"of", "in", "by", "to", "for", "on", "from", "at"}:
            continue
        inside = [term for term in part.terms[at:] if isinstance(term, Word) and term.key]
        before = [term for term in part.terms[:at] if isinstance(term, Word) and term.key]
        share = sum(map(taken.has, inside)) / max(1, len(inside))
        behind = any(map(taken.own, taken.parts[number + 1 :])) or share > 0
        if before and taken.has(before[-1]) and behind and share < 0.5:
            return True
    return False
