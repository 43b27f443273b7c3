"""The numbers of a search, each with the measurement that set it (docs/retrieval.md).

All were set on the development data of that page; none is tuned to single questions.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a search is made of; an ingredient at 0 is left out, which is how each is measured."""

    lexical_weight: float = 0.6
    """Share of BM25 in the fused score when its gate is open; min-max, not ranks, which ruin a
    search across languages."""
    figures: float = 0.5
    """Weight of a passage's number density when the question asks for figures."""
    glossary: float = 1.0
    """Weight of the words that the glossary adds to the question, as its own."""
    naming: float = 3.0
    """How far a named document's passages are lifted, in standard deviations of the cosines."""
    named_from: float = 1.3
    """How rare the words must be in sum that name a document; a word of one document is about 1."""
    turn_decay: float = 0.5
    """Weight of the words of a user's turn against the turn after it."""
    last_answer: float = 0.2
    """Weight of the words of the last answer."""
    history_share: float = 0.5
    """Share of the conversation in the question's vector."""
    cited: float = 0.13
    """How far documents cited in the last turn are lifted; a named document is lifted by 1."""


RECIPE = Recipe()
