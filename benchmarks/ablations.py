"""The recipe with one ingredient left out, and what that changes.

A question that an ingredient cannot touch keeps its result; only the others are asked again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from aiconvokit.evals.ask import Asked, ask
from aiconvokit.evals.load import LoadedSet
from aiconvokit.evals.metrics import Ranks
from aiconvokit.evals.sets import SetQuestion
from aiconvokit.retrieval.figures import asks_for_figures
from aiconvokit.retrieval.glossary import BUILT_IN, added_words
from aiconvokit.retrieval.recipe import RECIPE, Recipe
from aiconvokit.services import Services

FULL = "the recipe"
DENSE, WORDS = "without words (dense only)", "words only, where the gate is open"

Touches = Callable[[LoadedSet, SetQuestion], bool]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another recipe; `base` is the variant whose results hold for what this one does not touch."""

    name: str
    recipe: Recipe
    touches: Touches
    base: str = FULL


def _turns(loaded: LoadedSet, question: SetQuestion) -> list[str]:
    """What the user said: a turn before says which document was cited last."""
    said = [one.content for one in question.history if one.role == "user"]
    return [*said, loaded.text(question)]


def _always(_loaded: LoadedSet, _question: SetQuestion) -> bool:
    return True


def _figures(loaded: LoadedSet, question: SetQuestion) -> bool:
    return any(map(asks_for_figures, _turns(loaded, question)))


def _glossary(loaded: LoadedSet, question: SetQuestion) -> bool:
    return any(added_words(turn, BUILT_IN) for turn in _turns(loaded, question))


def _naming(loaded: LoadedSet, question: SetQuestion) -> bool:
    """Names have capitals or digits; one document alone cannot be lifted.

    The lift in cosines is that of cited documents, too.
    """
    text = loaded.text(question)
    if loaded.mode == "own":
        return False
    return bool(question.history) or text[1:] != text[1:].lower() or any(map(str.isdigit, text))


def _history(_loaded: LoadedSet, question: SetQuestion) -> bool:
    return bool(question.history)


def _cited(loaded: LoadedSet, question: SetQuestion) -> bool:
    return loaded.mode == "pooled" and bool(question.history)


def _any(loaded: LoadedSet, question: SetQuestion) -> bool:
    touching: tuple[Touches, ...] = (_figures, _glossary, _naming, _history)
    return any(touches(loaded, question) for touches in touching)


_PLAIN = replace(
    RECIPE,
    figures=0,
    glossary=0,
    naming=0,
    cited=0,
    turn_decay=0,
    last_answer=0,
    history_share=0,
)
VARIANTS = (
    Variant("without figures", replace(RECIPE, figures=0), _figures),
    Variant("without glossary", replace(RECIPE, glossary=0), _glossary),
    Variant("without naming", replace(RECIPE, naming=0), _naming),
    Variant("without cited documents", replace(RECIPE, cited=0), _cited),
    Variant("without earlier turns' words", replace(RECIPE, turn_decay=0), _history),
    Variant("without the last answer's words", replace(RECIPE, last_answer=0), _history),
    Variant("without the conversation's vector", replace(RECIPE, history_share=0), _history),
    Variant(DENSE, replace(RECIPE, lexical_weight=0), _always),
    Variant(WORDS, replace(RECIPE, lexical_weight=1), _always),
    Variant("both legs and nothing else", _PLAIN, _any),
    Variant("dense leg alone", replace(_PLAIN, lexical_weight=0), _any, DENSE),
    Variant("BM25 alone, where the gate is open", replace(_PLAIN, lexical_weight=1), _any, WORDS),
)

Found = Mapping[str, Ranks]
"""Question id -> the places of what it should find."""


def found(asked: Sequence[Asked]) -> dict[str, Ranks]:
    """The results of the questions that have something to be found."""
    return {one.id: one.ranks for one in asked if one.ranks}


async def ask_variant(
    services: Services, loaded: LoadedSet, variant: Variant, base: Found
) -> Found | None:
    """A set asked in another way; None: no question of it can tell the difference."""
    touched = [one for one in loaded.questions if one.id in base and variant.touches(loaded, one)]
    if not touched:
        return None
    part = replace(loaded, set=replace(loaded.set, questions=touched))
    return {**base, **found(await ask(services, part, variant.recipe))}
