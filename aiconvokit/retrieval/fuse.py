"""What the legs found becomes one order: min-max over the union, weighted, with priors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiconvokit.retrieval.recipe import Recipe
from aiconvokit.retrieval.types import Candidate


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the question beside the scores of its candidates.

    `gate` 0..1 is how far words may be trusted (see `lexical_gate`); `priors` says how surely a
    document is meant (0..1); `lift` is what a prior of 1 adds to a cosine.
    """

    gate: float
    asks_for_figures: bool
    priors: Mapping[int, float]
    lift: float


def fuse(
    candidates: Sequence[Candidate], signals: Signals, recipe: Recipe
) -> list[tuple[int, float]]:
    """Order the candidates of all legs.

    Args:
        candidates: the union of the legs, every chunk once, in any order.
        signals: what is known of the question.
        recipe: the weights.

    Returns:
        (chunk id, score in 0..1), best first; equal scores by chunk id, so that one search always
        gives one order.
    """
    best_bm25 = max((c.lexical for c in candidates), default=0.0)
    priors = [signals.priors.get(c.document_id, 0.0) for c in candidates]
    pairs = list(zip(candidates, priors, strict=True))
    dense = _min_max([c.dense + prior * signals.lift for c, prior in pairs])
    lexical = _min_max([c.lexical + prior * best_bm25 for c, prior in pairs])
    figures = recipe.figures if signals.asks_for_figures else 0.0
    # A leg that found nothing has no say.
    weight = recipe.lexical_weight * signals.gate if best_bm25 else 0.0
    scored = [
        (
            c.chunk_id,
            ((1 - weight) * near + weight * worded + figures * c.number_density) / (1 + figures),
        )
        for c, near, worded in zip(candidates, dense, lexical, strict=True)
    ]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def _min_max(scores: Sequence[float]) -> list[float]:
    """Scaled to 0..1; where all are equal each one is the best of them."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    if low == high:
        return [1.0] * len(scores)
    return [(score - low) / (high - low) for score in scores]
