"""Whether a claim puts together what a sentence says of different things.

What it takes are words of the sentence, from parts between commas, brackets and "and". Each part
is about something: a claim that has the end of one part needs what that part is about.
"""

import dataclasses
import itertools
from collections.abc import Sequence

from aiconvokit.chat.numbers import Number
from aiconvokit.chat.parts import (
    ADVERBIAL,
    AUXILIARIES,
    JOINTS,
    Part,
    Taken,
    is_adverbial,
    is_aside,
)
from aiconvokit.chat.reading import Reading, Term, Word

MOST = 0.85
"""A claim with more than so much of a part has it, whatever the part is about."""


def joins_anew(claim: Reading, quote: Reading, taken: Taken) -> bool:
    """Whether what the claim takes does not belong together in the sentence."""
    used = [at for at, part in enumerate(taken.parts) if taken.own(part)]
    if _lacks_head(claim, quote, taken.parts):
        return True
    if len(used) < 2:
        return False
    return (
        _lacks_subject(taken, used, quote)
        or _uses_aside(taken, used, quote)
        or _interleaves(claim, taken)
    )


def _lacks_head(claim: Reading, quote: Reading, parts: Sequence[Part]) -> bool:
    """Whether words of several parts are taken, of one without what it is about.

    A part is about its first word: "signed … on 31 December" out of "signed in Utrecht, ends on 31
    December".
    """
    pieces = [_pieces(part) for part in parts]
    start = pieces[0][0].terms if pieces and pieces[0] else ()
    if len(start) > 1 and isinstance(start[0], Number):  # "1. Open the valve"
        pieces[0][0] = dataclasses.replace(pieces[0][0], terms=start[1:])
    every = [piece for own in pieces for piece in own]
    taken = Taken(claim, every)
    used = [piece for piece in every if taken.own(piece)]
    if len(used) < 2:
        return False
    return any(not _is_whole(piece, taken, quote) for piece in used) or any(
        _skips_sibling(one, other, taken)
        for own in pieces
        for one, other in itertools.pairwise(own)
    )


def _pieces(part: Part) -> list[Part]:
    """A part cut at its "and"."""
    found: list[list[Term]] = [[]]
    for term in part.terms:
        if isinstance(term, Word) and term.text in JOINTS:
            found.append([])
        else:
            found[-1].append(term)
    return [dataclasses.replace(part, terms=tuple(terms)) for terms in found if terms]


def _is_whole(part: Part, taken: Taken, quote: Reading) -> bool:
    """Whether the claim has the first word of a part, or most of it."""
    content = part.content
    own = [term for term in content if taken.is_own(term)]
    heads = [term for term in own if _is_head(term)] or own
    head = next((one for one in heads if not _is_time(one)), heads[0])
    if taken.has(head):
        return True
    if isinstance(head, Word) and head.key in quote.names:
        return False
    share = sum(map(taken.has, content)) / len(content)
    return share > MOST


def _is_head(term: Term) -> bool:
    """Whether a part may be about it: "promptly", "although" and the "U" of "U.S." are left."""
    if isinstance(term, Number):
        return True
    return len(term.text) > 1 and not term.text.endswith("ly") and term.text not in ADVERBIAL


def _is_time(term: Term) -> bool:
    return isinstance(term, Number) and (term.is_year or term.kind == "date")


def _skips_sibling(one: Part, other: Part, taken: Taken) -> bool:
    """Whether a figure of two is said of one: "sales to Norway and Sweden were 5"."""
    first = one.content
    if not first or taken.has(first[-1]) or not taken.own(one) or isinstance(first[-1], Number):
        return False
    texts = other.texts
    verb = next((at for at, text in enumerate(texts) if text in AUXILIARIES), 0)
    return verb > 0 and any(isinstance(term, Number) for term in taken.own(other))


def _lacks_subject(taken: Taken, used: Sequence[int], quote: Reading) -> bool:
    """Whether the sentence's first part, or the one before a "which", is left but not what it does.

    "Kestrel joined the board" out of "Mr Hale, formerly with Kestrel, joined the board".
    """
    parts = taken.parts
    sections = {parts[at].section for at in used}
    for section in sections:
        own = [at for at in used if parts[at].section == section]
        first = next(at for at, part in enumerate(parts) if part.section == section)
        if len(own) > 1 and _is_left(first, taken):
            return True
    return any(
        not is_aside(parts[at], quote)
        and at > 1
        and is_aside(parts[at - 1], quote)
        and (before := _before(at - 1, parts, quote)) is not None
        and _is_left(before, taken)
        for at in used
    )


def _before(at: int, parts: Sequence[Part], quote: Reading) -> int | None:
    """The place of what stands before an aside."""
    places = (n for n in range(at - 1, -1, -1) if not is_aside(parts[n], quote))
    return next(places, None)


def _is_left(at: int, taken: Taken) -> bool:
    """Whether the claim has no word of a part that says who or what."""
    part = taken.parts[at]
    return bool(part.content) and not is_adverbial(part) and not any(map(taken.has, part.content))


def _uses_aside(taken: Taken, used: Sequence[int], quote: Reading) -> bool:
    """Whether few words of an aside are taken for what is behind it, or for another thing."""
    parts = taken.parts
    for at in used:
        if not is_aside(parts[at], quote):
            continue
        before = _before(at, parts, quote)
        if before is not None and _is_left(before, taken):
            return True
        content = parts[at].content
        share = sum(map(taken.has, content)) / len(content)
        behind = any(n > at and parts[n].section == parts[at].section for n in used)
        if behind and share <= MOST:
            return True
    return False


def _interleaves(claim: Reading, taken: Taken) -> bool:
    """Whether a part is interrupted by another that is neither subject nor adverbial."""
    order = [at for at, _ in itertools.groupby(taken.places(claim))]
    first = min(order, default=0)
    for at in set(order):
        places = [n for n, one in enumerate(order) if one == at]
        between = {order[n] for n in range(places[0], places[-1])} - {at, first}
        if any(not is_adverbial(taken.parts[n]) for n in between):
            return True
    return False
