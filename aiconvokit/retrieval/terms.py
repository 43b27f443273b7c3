"""The words that the lexical leg is asked for, each text with its weight."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiconvokit.retrieval.recipe import Recipe
from ingestion.lexical import lexical_text

LAST_ANSWER_CHARACTERS = 600
"""Of its end: what was said last is what a follow-up refers to."""

MAX_CHARACTERS = 20_000
"""Of each text: a pasted document is no question, and a tsvector ends at 1 MB."""


@dataclass(frozen=True, slots=True)
class WeightedText:
    """A text for `to_tsvector`; a word that occurs in several counts with its highest weight."""

    text: str
    weight: float


def weighted_texts(
    question: str, earlier: Sequence[str], last_answer: str, added: str, recipe: Recipe
) -> list[WeightedText]:
    """What BM25 is asked.

    Args:
        question: the last turn, without words that only name a document.
        earlier: the user's turns before it, newest first.
        last_answer: what the assistant said last; "" at the beginning.
        added: the glossary's words.
        recipe: the weights.
    """
    found = [WeightedText(question, 1.0)]
    found += [
        WeightedText(turn, recipe.turn_decay**age) for age, turn in enumerate(earlier, start=1)
    ]
    found.append(WeightedText(last_answer[-LAST_ANSWER_CHARACTERS:], recipe.last_answer))
    found.append(WeightedText(added, recipe.glossary))
    return [
        WeightedText(lexical_text(one.text[:MAX_CHARACTERS]), one.weight)
        for one in found
        if one.weight and one.text.strip()
    ]
