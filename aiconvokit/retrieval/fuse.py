"""What the legs found becomes one order: min-max over the union, weighted, with priors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiconvokit.retrieval.recipe import Recipe
from aiconvokit.retrieval.types import Candidates, Ranked

Scores = npt.NDArray[np.float64]


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


def fuse(candidates: Candidates, signals: Signals, recipe: Recipe, limit: int) -> list[Ranked]:
    """The best candidates of all legs.

    Args:
        candidates: the union of the legs, every chunk once, in any order.
        signals: what is known of the question.
        recipe: the weights.
        limit: how many are wanted.

    Returns:
        Best first; equal scores by chunk id, so that one search always gives one order.
    """
    best_bm25 = float(candidates.lexical.max(initial=0.0))
    priors = np.array([signals.priors.get(one, 0.0) for one in candidates.document_ids.tolist()])
    dense = _min_max(candidates.dense + priors * signals.lift)
    lexical = _min_max(candidates.lexical + priors * best_bm25)
    figures = recipe.figures if signals.asks_for_figures else 0.0
    # A leg that found nothing has no say.
    weight = recipe.lexical_weight * signals.gate if best_bm25 else 0.0
    meant = (1 - weight) * dense + weight * lexical
    scores = (meant + figures * candidates.number_density) / (1 + figures)
    order = np.lexsort((candidates.chunk_ids, -scores))[:limit]
    columns = (candidates.chunk_ids, scores, candidates.dense, candidates.lexical)
    return list(map(Ranked, *(column[order].tolist() for column in columns)))


def _min_max(scores: Scores) -> Scores:
    """Scaled to 0..1; where all are equal each one is the best of them."""
    if not scores.size:
        return scores
    low, high = scores.min(), scores.max()
    return np.ones_like(scores) if low == high else (scores - low) / (high - low)
