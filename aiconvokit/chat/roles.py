"""Whether a claim puts the quote's own words into each other's places."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from aiconvokit.chat.clauses import AGENT_MARKS, mixes_clauses, other_doer, other_step
from aiconvokit.chat.reading import OWNS, Reading, Term, Word, is_agent

_YEAR = re.compile(r"#(?:19|20)\d\d(?:-.*)?|#-.*")
_MODALS_LIST = """
shall must will may can could should would muss müssen kann können darf dürfen soll sollen
debe deben deberá puede pueden podrá doit doivent peut peuvent"""
MODALS = frozenset(_MODALS_LIST.split())
LONG_CLAIM = 120
LONG_QUOTE = 600
"""Terms; what is longer is no sentence and counts only word for word: the tests below take time
with the square of the claim's length."""

WORD_MARGIN = 3
"""Exchanging two names, doers or numbers must fit no better at all; two other words by so much:
"the dividend proposed is 5" for "it proposed a dividend of 5" gains one."""

BE = frozenset(["be", "been", "is", "are", "was", "were", "wird", "werden", "wurde", "wurden"])

OF_MARKS = frozenset(["~of", "~des", "~der", "~von", "~de", "~del", "~du"])
"""What stands before an owner."""

COUNTED_REACH = 5
"""Terms behind a number in which the quote names what it counts."""


def swapped(claim: Reading, quote: Reading) -> bool:
    """Whether the claim fits the quote only with two of its words or numbers exchanged.

    Both hold the same words: "the Buyer pays the Supplier", "from 120 in 2024 to 100 in 2025".
    """
    if claim.language is None:
        return not _is_within(_signs(claim, quote), _signs(quote, quote))
    said, shown = _signs(claim, quote), _signs(quote, quote)
    if len(said) > LONG_CLAIM or len(shown) > LONG_QUOTE:
        return not _is_run(said, shown)
    tests = (_repeats, _otherwise_bound, _counts_other, _otherwise_owned, other_doer, other_step)
    if any(test(said, shown) for test in tests) or mixes_clauses(said, shown, quote):
        return True
    known = quote.names | _first_name(quote)
    names = (claim.names | _first_name(claim) | known) & claim.keys & quote.keys
    actors = names | {word.key for word in claim.words if is_agent(word.text)}
    if _fits_better_exchanged(said, shown, frozenset() if _turned(said, shown) else actors):
        return True
    return _order_changed(said, shown, actors) or _other_subject(said, shown, actors | known)


def _repeats(said: list[str], shown: list[str]) -> bool:
    """Whether the claim says a word more often: "the Buyer pays the Buyer"."""
    words = [sign for sign in said if _is_content(sign) and sign[0] != "#"]
    return any(count > max(1, shown.count(sign)) for sign, count in Counter(words).items())


def _otherwise_bound(said: list[str], shown: list[str]) -> bool:
    """Whether a number stands beside a word that stands beside another number in the quote."""
    for step in (-1, 1):
        here, there = _bound(said, step), _bound(shown, step)
        for number, words in here.items():
            own = there.get(number, words)  # a year above the column
            others = {word for n, ws in there.items() if n != number for word in ws}
            if words & (others - own):
                return True
    return False


def _bound(signs: list[str], step: int) -> dict[str, set[str]]:
    """The nearest word before each number (`step` -1), or right behind it (1), but for years."""
    found: dict[str, set[str]] = {}
    for at, sign in enumerate(signs):
        if sign[0] != "#" or (step > 0 and _YEAR.fullmatch(sign)):
            continue
        beside = signs[at + 1 : at + 3] if step > 0 else signs[:at][::-1]
        word = next(filter(_is_word, beside), None)
        if word:
            found.setdefault(sign, set()).add(word)
    return found


def _counts_other(said: list[str], shown: list[str]) -> bool:
    """Whether another word follows a number at once than in the quote: "5 per dividend"."""
    for number, words in _bound(said, 1).items():
        behind = {
            word
            for at, sign in enumerate(shown)
            if sign == number
            for word in list(filter(_is_word, shown[at + 1 : at + COUNTED_REACH]))[:2]
        }
        if behind and not words & behind:
            return True
    return False


def _otherwise_owned(said: list[str], shown: list[str]) -> bool:
    """Whether what the quote says to be of one is of another: "the consent of the Buyer"."""
    owners = _owners(shown)
    return any(thing in owners and not who & owners[thing] for thing, who in _owners(said).items())


def _owners(signs: list[str]) -> dict[str, set[str]]:
    """By what is owned, the owners: "laws of the State of Delaware" are the State's, Delaware's."""
    found: dict[str, set[str]] = {}
    for at, sign in enumerate(signs):
        if sign not in OF_MARKS:
            continue
        before = next(filter(_is_word, signs[max(0, at - 2) : at][::-1]), None)
        after = next(filter(_is_word, signs[at + 1 : at + 4]), None)
        if before is None or after is None:
            continue
        found.setdefault(before, set()).add(after)
        for things in found.values():
            if before in things:
                things.add(after)
    return found


def _is_word(sign: str) -> bool:
    return sign[0] not in "~#"


def _first_name(reading: Reading) -> frozenset[str]:
    """The first word when a modal follows it ("Kestrel shall"): there a capital says nothing."""
    first, second = [*list(reading.words)[:2], None, None][:2]
    follows = first and second and second.text in MODALS
    return frozenset({first.key} - {""}) if first and follows else frozenset()


def _signs(reading: Reading, quote: Reading) -> list[str]:
    """The terms in their order, a function word with "~" before it, a number as the quote's."""
    signs = [_sign(term, quote) for term in reading.terms]
    for at in range(1, len(signs) - 1):
        if signs[at] == f"~{OWNS}":  # "the Buyer's consent": the consent of Buyer
            signs[at - 1 : at + 2] = [signs[at + 1], "~of", signs[at - 1]]
    return signs


def _sign(term: Term, quote: Reading) -> str:
    if isinstance(term, Word):
        return term.key or f"~{term.text}"
    return next(
        (f"#{min(n.readings)}" for n in quote.numbers if term.matches(n)), f"#{min(term.readings)}"
    )


def _turned(said: list[str], shown: list[str]) -> bool:
    """Whether one is passive and the other is not: then words may change places."""
    here, there = _functions(said), _functions(shown)
    return bool(AGENT_MARKS & here) != bool(AGENT_MARKS & there) or bool(BE & here) != bool(
        BE & there
    )


def _functions(signs: list[str]) -> frozenset[str]:
    return frozenset(sign[1:] for sign in signs if sign[0] == "~")


def _is_content(sign: str) -> bool:
    return not sign.startswith("~")


def _is_within(said: Sequence[str], shown: Sequence[str]) -> bool:
    """Whether the content of the claim stands in the quote in the same order."""
    rest = iter(filter(_is_content, shown))
    return all(sign in rest for sign in filter(_is_content, said))


def _fits_better_exchanged(said: list[str], shown: list[str], actors: frozenset[str]) -> bool:
    if _is_run(said, shown):
        return False
    known = _pairs(shown)
    content = [f"+{sign}" for sign in said if _is_content(sign)]
    order = list(itertools.accumulate(map(_is_content, said), initial=0))
    own = frozenset(shown)
    places = [at for at, sign in enumerate(said) if _is_content(sign) and sign in own]
    for one, other in itertools.combinations(places, 2):
        if said[one] == said[other]:
            continue
        figures = said[one][0] == said[other][0] == "#"
        alike = figures or (said[one] in actors and said[other] in actors)
        if not alike and not actors:
            continue
        gain = _gain(said, one, other, known) + _gain(content, order[one], order[other], known)
        if gain >= (1 if alike else WORD_MARGIN):
            return True
    return False


def _is_run(said: list[str], shown: list[str]) -> bool:
    """Whether the claim is a piece of the quote, word for word."""
    return f"\0{chr(0).join(said)}\0" in f"\0{chr(0).join(shown)}\0"


def _pairs(signs: Sequence[str]) -> frozenset[tuple[str, str]]:
    return frozenset(_neighbours(signs))


def _neighbours(signs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Neighbours, and neighbours among the content words."""
    yield from itertools.pairwise(signs)
    yield from itertools.pairwise([f"+{sign}" for sign in signs if _is_content(sign)])


def _gain(signs: Sequence[str], one: int, other: int, known: frozenset[tuple[str, str]]) -> int:
    """How many more neighbours are known when two signs are exchanged."""
    turned = {one: signs[other], other: signs[one]}
    gain = 0
    for at in {one - 1, one, other - 1, other}:
        if 0 <= at < len(signs) - 1:
            pair = signs[at], signs[at + 1]
            changed = turned.get(at, pair[0]), turned.get(at + 1, pair[1])
            gain += (changed in known) - (pair in known)
    return gain


def _order_changed(said: list[str], shown: list[str], names: frozenset[str]) -> bool:
    """Whether two names change places and no passive explains it, or one does and they do not."""
    owners = [set[str]().union(*_owners(signs).values()) for signs in (said, shown)]
    # "Without the consent of the Buyer, the Supplier": an owner goes where the thing goes.
    free = names - (owners[0] & owners[1])
    places = _places(said), _places(shown)
    for one, other in itertools.combinations(sorted(free), 2):
        here, there = (_order(known, one, other) for known in places)
        if here is None or there is None:
            continue
        turned = _is_passive(said, one, other) != _is_passive(shown, one, other)
        if (here != there) != turned:
            return True
    return False


def _places(signs: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The first and the last place of each sign."""
    places: dict[str, tuple[int, int]] = {}
    for at, sign in enumerate(signs):
        places[sign] = places.get(sign, (at, at))[0], at
    return places


def _order(places: Mapping[str, tuple[int, int]], one: str, other: str) -> bool | None:
    """Whether `one` comes first; None when one is missing or they stand in both orders."""
    if one not in places or other not in places:
        return None
    if places[one][1] < places[other][0]:
        return True
    return False if places[other][1] < places[one][0] else None


def _is_passive(signs: list[str], one: str, other: str) -> bool:
    """Whether the later of two names stands behind "by"."""
    later = max(signs.index(one), signs.index(other))
    before = [sign.removeprefix("~") for sign in signs[max(0, later - 3) : later]]
    return not AGENT_MARKS.isdisjoint(before)


def _other_subject(said: list[str], shown: list[str], names: frozenset[str]) -> bool:
    """Whether "shall pay", or "shall be paid", has another name before it than in the quote."""
    active, passive = _subjects(shown, names)
    claimed_active, claimed_passive = _subjects(said, names)
    return (
        any(verb in active and not who <= active[verb] for verb, who in claimed_active.items())
        or any(
            verb in passive and not who <= passive[verb] for verb, who in claimed_passive.items()
        )
        or any(who & active.get(verb, set()) for verb, who in claimed_passive.items())
        or any(who & passive.get(verb, set()) for verb, who in claimed_active.items())
    )


def _subjects(
    signs: list[str], names: frozenset[str]
) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The nearest name before each modal, by the verb behind it: active and passive."""
    active: dict[str, set[str]] = {}
    passive: dict[str, set[str]] = {}
    name: str | None = None
    for at, sign in enumerate(signs):
        if sign in names:
            name = sign
        elif name and sign.removeprefix("~") in MODALS | {"is", "are", "was", "were"}:
            behind = signs[at + 1 : at + 5]
            verb = next(filter(_is_content, behind), None)
            turned = "~be" in behind[:2] or sign.removeprefix("~") not in MODALS
            if verb:
                (passive if turned else active).setdefault(verb, set()).add(name)
    return active, passive
