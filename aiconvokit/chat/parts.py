"""A sentence cut into parts at its commas, brackets and dashes, and what a claim takes from each.

Only sentences in languages that put spaces between words are cut.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiconvokit.chat.numbers import Number, proven
from aiconvokit.chat.reading import Reading, Term, Word

_OPENING, _CLOSING = "([", ")]"

JOINTS = frozenset(["and", "or", "but", "und", "oder", "sowie", "sondern", "y", "o", "et", "ou"])
"""Words between two things that are said alike of something."""
_AND = frozenset(["and", "but", "und", "aber", "sowie"])
_AUXILIARIES_LIST = """
is are was were has have had will shall may must can could does do did ist sind war waren hat haben
wird werden kann muss darf"""
AUXILIARIES = frozenset(_AUXILIARIES_LIST.split())

_RELATIVE = frozenset(["which", "who", "whom", "whose", "where"])
_GERMAN_RELATIVE_LIST = "der die das dem den dessen deren denen welcher welche welches welchem"
_GERMAN_RELATIVE = frozenset(_GERMAN_RELATIVE_LIST.split())
_ADVERBIAL_LIST = """
if when unless until although though because since while whereas as after before during in on at by
for from under upon with without within despite unlike instead of to wenn falls sofern soweit
solange bis obwohl weil nachdem während bei seit im am zum mit ohne nach vor aus von trotz statt zu
zur"""
ADVERBIAL = frozenset(_ADVERBIAL_LIST.split())


@dataclass(frozen=True, slots=True)
class Part:
    """`terms` of a reading between two borders; never empty.

    `before` are the signs of the border before it, "" at the beginning. `section` counts
    semicolons.
    """

    terms: tuple[Term, ...]
    before: str
    in_brackets: bool
    section: int

    @property
    def texts(self) -> list[str]:
        """Its words, "#" for a number."""
        return [term.text if isinstance(term, Word) else "#" for term in self.terms]

    @property
    def content(self) -> list[Term]:
        """What can be taken from it: numbers, and words that state something."""
        return [term for term in self.terms if isinstance(term, Number) or term.key]


def parts_of(quote: Reading, signs: Sequence[str]) -> list[Part]:
    """The parts of a sentence, in their order.

    Args:
        quote: the sentence.
        signs: its `gaps`.
    """
    terms = quote.terms
    borders = [at for at in range(1, len(terms)) if signs[at] or is_second_verb(terms[at : at + 2])]
    found: list[Part] = []
    depth = section = 0
    for start, end in itertools.pairwise([0, *borders, len(terms)]):
        before = signs[start]
        depth = max(0, depth + _count(before, _OPENING) - _count(before, _CLOSING))
        section += ";" in before
        own = tuple(term for term in terms[start:end] if not _is_semicolon(term))
        if own:
            found.append(Part(own, before, depth > 0, section))
    return found


def is_second_verb(terms: Sequence[Term]) -> bool:
    """Whether a subject's second verb begins there: "and are", "but does"."""
    texts = [term.text for term in terms if isinstance(term, Word)]
    return len(texts) > 1 and texts[0] in _AND and texts[1] in AUXILIARIES


def is_aside(part: Part, quote: Reading) -> bool:
    """Whether something is only said beside: in brackets, or by a "which" behind a comma."""
    return part.in_brackets or is_relative(part, quote)


def is_relative(part: Part, quote: Reading) -> bool:
    """Whether a part begins with "which", or "of which", behind a comma or a bracket."""
    texts = part.texts
    if quote.language == "german":
        return texts[0] in _GERMAN_RELATIVE and bool(part.before)
    return bool(part.before) and (texts[0] in _RELATIVE or texts[1:2] == ["which"])


def is_adverbial(part: Part) -> bool:
    """Whether a part says when, where, why or if: "in 2025", "if he pays"."""
    return part.texts[0] in ADVERBIAL


def _count(text: str, signs: str) -> int:
    return sum(map(text.count, signs))


def _is_semicolon(term: Term) -> bool:
    return isinstance(term, Word) and term.text == ";"


class Taken:
    """What a claim takes from the parts of a sentence; a word of several parts tells nothing."""

    def __init__(self, claim: Reading, parts: Sequence[Part]) -> None:
        self._claim = claim
        self.parts = parts
        places: dict[object, set[int]] = {}
        for at, part in enumerate(parts):
            for term in part.content:
                places.setdefault(_id(term), set()).add(at)
        self._only = {name: min(found) for name, found in places.items() if len(found) == 1}
        self._own = {
            id(part): [term for term in part.content if self.is_own(term) and self.has(term)]
            for part in parts
        }

    def has(self, term: Term) -> bool:
        """Whether the claim says it."""
        if isinstance(term, Word):
            return term.key in self._claim.keys
        return any(number.matches(one) for one in proven(term) for number in self._claim.numbers)

    def is_own(self, term: Term) -> bool:
        """Whether it stands in one part only."""
        return _id(term) in self._only

    def own(self, part: Part) -> list[Term]:
        """What the claim says that stands in this part only; the part is one of `parts`."""
        return self._own[id(part)]

    def places(self, claim: Reading) -> Iterator[int]:
        """The parts that the claim's words and numbers are from, in the claim's order."""
        numbers = [
            (at, one)
            for at, part in enumerate(self.parts)
            for term in part.terms
            if isinstance(term, Number) and self.is_own(term)
            for one in proven(term)
        ]
        for term in claim.terms:
            if isinstance(term, Word):
                if term.key in self._only:
                    yield self._only[term.key]
            elif place := [at for at, one in numbers if term.matches(one)]:
                yield place[0]


def _id(term: Term) -> object:
    return term.key if isinstance(term, Word) else term.readings
