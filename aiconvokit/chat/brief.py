"""Answers of a word or two ("Arkansas.", "€4.1 million."): the question says what they claim."""

from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.number_proof import Figures
from aiconvokit.chat.polarity import contrary
from aiconvokit.chat.reading import read_claim
from aiconvokit.chat.shelves import Library
from aiconvokit.chat.support import Effort, support

MIN_SHARED = 2
"""Words of the question that the quote must have, too: one alone stands on many pages."""


def brief(
    claim: Statement, question: str, library: Library, effort: Effort
) -> tuple[Evidence, ...]:
    """What proves a short answer to a question; () where nothing does.

    A figure is proven as the sentence is that the question makes of it ("What was revenue in 2025:
    €4.1 million"); by a row of a table only where the question says which column, by a year. Words
    are proven by the sentence that has them and most of the question's.
    """
    said = claim.read(library.language)
    if not said.keys and not said.numbers:  # "Yes."
        return ()
    if said.numbers:
        whole = Statement(f"{_asked(question)}: {claim.text}", claim.hints, claim.head, "")
        found = support(whole, library, effort)
        says_column = bool(read_claim(question, library.language).numbers)
        if not isinstance(found, str) and (says_column or not any(one.is_row for one in found)):
            return found
    return _by_words(claim, question, library)


def _asked(question: str) -> str:
    """A question without its mark: a claim that ends with one is none."""
    return question.strip().rstrip("?\uff1f").rstrip()


def _by_words(claim: Statement, question: str, library: Library) -> tuple[Evidence, ...]:
    """The sentence, no row: which column answers is more than shared words can tell."""
    said = claim.read(library.language)
    asked = read_claim(question, library.language)
    wanted = asked.keys - said.keys
    fitting = [
        (len(wanted & one.reading.keys), one.source.passage.score, one)
        for one in library.evidence
        if not one.is_row
        and said.keys <= one.reading.keys
        and all(map(Figures(said, one).shows, said.numbers))
        and not contrary(said, one.reading)
    ]
    shared, _, best = max(fitting, key=lambda found: found[:2], default=(0, 0.0, None))
    return (best,) if best is not None and shared >= MIN_SHARED else ()
