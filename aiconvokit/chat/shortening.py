"""Whether a claim leaves out of a sentence only what may be left out.

The claim's words all stand in the sentence. What it takes must belong together there, and what it
leaves must not turn the meaning.
"""

from collections.abc import Iterator, Sequence

from aiconvokit.chat.asides import begins_anew, is_main, may_go
from aiconvokit.chat.conditions import is_conditional
from aiconvokit.chat.joining import joins_anew
from aiconvokit.chat.limits import limits_agree
from aiconvokit.chat.numbers import Number, proven
from aiconvokit.chat.parts import Part, Taken, is_adverbial, parts_of
from aiconvokit.chat.reading import Reading, Word, gaps
from aiconvokit.chat.turning import turns

CORE_SHARE = 0.5
"""So much of what is left of a sentence a claim must say: a few words of it say anything."""


class Shortening:
    """A claim and the sentence that it may be a shorter form of."""

    def __init__(self, claim: Reading, quote: Reading, text: str) -> None:
        self._claim = claim
        self._quote = quote
        self._parts = parts_of(quote, gaps(text, quote.language))
        self._taken = Taken(claim, self._parts)

    def is_true(self) -> bool:
        """Whether nothing that turns the meaning is left out, and nothing put together anew."""
        return not (
            turns(self._taken, self._claim, self._quote)
            or joins_anew(self._claim, self._quote, self._taken)
            or not limits_agree(self._claim, self._quote)
        )

    def cores(self) -> Iterator[Reading]:
        """The sentence without what the claim takes nothing from; with its beginning at the end.

        None of which the claim takes less than `CORE_SHARE`.
        """
        used = {part.section for part in self._parts if self._taken.own(part)}
        kept = [part for at, part in enumerate(self._parts) if not self._goes(at, part, used)]
        if len(used) > 1 or not any(map(is_main, kept)) or self._share(kept) < CORE_SHARE:
            return
        orders = [kept] if len(kept) < len(self._parts) else []
        if len(kept) > 1 and is_adverbial(kept[0]) and not _has_years(kept):
            orders.append([*kept[1:], kept[0]])
        for order in orders:
            if core := self._reading(order):
                yield core

    def _share(self, kept: Sequence[Part]) -> float:
        """How much of what some parts say the claim says."""
        content = [term for part in kept for term in part.content]
        return sum(map(self._taken.has, content)) / max(1, len(content))

    def _reading(self, kept: Sequence[Part]) -> Reading | None:
        terms = tuple(term for part in kept for term in part.terms)
        words = [term for term in terms if isinstance(term, Word) and term.key]
        numbers = [one for term in terms if isinstance(term, Number) for one in proven(term)]
        core = Reading(
            self._quote.language,
            terms,
            frozenset(word.key for word in words),
            frozenset(word.key for word in words if word.is_name),
            tuple(numbers),
        )
        return core if self._holds(core) else None

    def _goes(self, at: int, part: Part, used: set[int]) -> bool:
        if self._taken.own(part):
            return False
        if used and part.section not in used:
            return not begins_anew(part) and not self._is_conditional()
        return may_go(part, at, self._parts, self._quote)

    def _is_conditional(self) -> bool:
        return any(is_conditional(part, self._quote) for part in self._parts)

    def _holds(self, core: Reading) -> bool:
        """Whether everything that the claim has from the sentence is left."""
        if self._claim.keys & self._quote.keys - core.keys:
            return False
        return all(
            any(map(number.matches, core.numbers))
            for number in self._claim.numbers
            if any(map(number.matches, self._quote.numbers))
        )


def _has_years(parts: Sequence[Part]) -> bool:
    """Whether there are several years, whose order tells which figure is of which."""
    years = {t for part in parts for t in part.terms if isinstance(t, Number) and t.is_year}
    return len(years) > 1
