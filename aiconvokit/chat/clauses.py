"""Whether a claim joins the beginning of one clause of its quote with the end of another.

The signs are those of `roles`: a content word's key, "~" before a function word, "#" before a
number.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from aiconvokit.chat.numbers import Number
from aiconvokit.chat.reading import Reading

AGENT_MARKS = frozenset(["by", "von", "durch", "por", "par"])
"""What stands before the doer in a passive sentence."""

_BORDERS = frozenset(["~;", "~and", "~but", "~while", "~whereas", "~und", "~sowie", "~y", "~et"])
_STEPS = frozenset(["~by", "~to", "~from", "~um", "~auf", "~von"])
_DOER_REACH = 5


def mixes_clauses(said: Sequence[str], shown: Sequence[str], quote: Reading) -> bool:
    """Whether the claim takes a number or an ending from a clause that is about something else."""
    clauses = list(_clauses(shown))
    taken = frozenset(said)
    if _other_clause_subject(clauses, taken):
        return True
    kinds = _kinds(quote, shown)
    counts = Counter(shown)
    borders = list(itertools.accumulate((sign in _BORDERS for sign in shown), initial=0))
    figures = [(at, sign) for at, sign in enumerate(shown) if sign in kinds and counts[sign] == 1]
    for at, number in figures:
        if number not in taken:
            continue
        rivals = [m for m, n in figures if n not in taken and kinds[n] == kinds[number]]
        words = [
            w
            for w, sign in enumerate(shown)
            if sign in taken and sign[0] != "~" and counts[sign] == 1 and w != at
        ]
        if any(_belongs_to_rival(borders, at, rival, word) for rival in rivals for word in words):
            return True
    return False


def other_doer(said: Sequence[str], shown: Sequence[str]) -> bool:
    """Whether both are passive, by somebody else."""
    here, there = _doers(said), _doers(shown)
    return here is not None and there is not None and not here & there


def other_step(said: Sequence[str], shown: Sequence[str]) -> bool:
    """Whether "by 5" became "to 5" or "from 5"."""
    there = dict(_steps(shown))
    return any(there.get(number, step) != step for number, step in _steps(said))


def _steps(signs: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at in range(1, len(signs)):
        if signs[at][0] == "#" and signs[at - 1] in _STEPS:
            yield signs[at], signs[at - 1]


def _doers(signs: Sequence[str]) -> set[str] | None:
    """The words behind "by"; None when there is no doer."""
    for at, sign in enumerate(signs):
        behind = signs[at + 1 : at + _DOER_REACH]
        if sign[0] == "~" and sign[1:] in AGENT_MARKS and behind and behind[0][0] != "#":
            return {word for word in behind if word[0] not in "~#"}
    return None


def _clauses(shown: Sequence[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for sign in shown:
        if sign in _BORDERS:
            yield clause
            clause = []
        else:
            clause.append(sign)
    yield clause


def _other_clause_subject(clauses: Sequence[list[str]], taken: frozenset[str]) -> bool:
    """Whether words of a clause are used without its subject, and with those of another."""
    words = [[sign for sign in clause if sign[0] not in "~#"] for clause in clauses]
    for own in words:
        theirs = {sign for other in words if other is not own for sign in other}
        if not own or own[0] in taken or own[0] in theirs:
            continue
        if (set(own) - theirs) & taken and (theirs - set(own)) & taken:
            return True
    return False


def _kinds(quote: Reading, shown: Sequence[str]) -> dict[str, str | None]:
    """What the figures of the quote count, by their signs; years and dates count nothing."""
    kinds: dict[str, str | None] = {}
    for term, sign in zip(quote.terms, shown, strict=False):
        if isinstance(term, Number) and not term.is_year and term.kind != "date":
            kinds[sign] = term.kind
    return kinds


def _belongs_to_rival(borders: Sequence[int], number: int, rival: int, word: int) -> bool:
    """Whether the rival stands between number and word, or in the word's clause.

    `borders` counts those of clauses before each place.
    """
    if number < rival < word:
        return True
    low, high = sorted((number, word))
    parted = borders[low] < borders[high]
    low, high = sorted((rival, word))
    return parted and borders[low] == borders[high]
