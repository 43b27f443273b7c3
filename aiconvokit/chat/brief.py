"""Answers of a word or two ("Arkansas."): the question says what they claim."""

from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.number_proof import Figures
from aiconvokit.chat.polarity import contrary
from aiconvokit.chat.reading import read_claim
from aiconvokit.chat.shelves import Library

MIN_SHARED = 2
"""Words of the question that the quote must have, too: one alone stands on many pages."""


def brief(claim: Statement, question: str, library: Library) -> tuple[Evidence, ...]:
    """The sentence that has the answer and most of the question's words; () without one.

    Table rows are left out: which column answers is more than shared words can tell.
    """
    said = claim.read(library.language)
    if not said.keys and not said.numbers:  # "Yes."
        return ()
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
