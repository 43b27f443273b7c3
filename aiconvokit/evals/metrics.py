"""Figures of a list of ranks, with bootstrap intervals over the questions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ranks = Sequence[int | None]
"""One question: the place (from 1) of each thing to be found; None: it was not."""

RESAMPLES = 1_000
SEED = 20_261_122
"""Any number; the same one makes the same interval each time."""
DEPTH = 10
"""Where hit, MRR and nDCG look."""


def recall(ranks: Ranks, depth: int) -> float:
    """The share of what was to be found among the first `depth` results."""
    return sum(1 for rank in ranks if rank is not None and rank <= depth) / len(ranks)


def hit(ranks: Ranks) -> float:
    """1 when anything of it is among the first ten results."""
    return float(recall(ranks, DEPTH) > 0)


def reciprocal_rank(ranks: Ranks) -> float:
    """1 / the place of the first one, 0 beyond ten."""
    best = min((rank for rank in ranks if rank is not None), default=DEPTH + 1)
    return 1 / best if best <= DEPTH else 0.0


def ndcg(ranks: Ranks) -> float:
    """Discounted gain of the first ten results over that of the best order."""
    gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank is not None and rank <= DEPTH)
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(ranks), DEPTH) + 1))
    return min(1.0, gain / ideal)


MEASURES = {
    "recall@5": lambda ranks: recall(ranks, 5),
    "recall@10": lambda ranks: recall(ranks, 10),
    "hit@10": hit,
    "mrr@10": reciprocal_rank,
    "ndcg@10": ndcg,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over questions and its 95 % interval."""

    mean: float
    low: float
    high: float


def figures(questions: Sequence[Ranks]) -> dict[str, Figure]:
    """Every measure over some questions; none over no question."""
    return {
        name: mean_with_interval([measure(ranks) for ranks in questions])
        for name, measure in MEASURES.items()
        if questions
    }


def mean_with_interval(values: Sequence[float]) -> Figure:
    """The mean and the 2.5th and 97.5th percentile of the means of resampled questions."""
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(SEED)
    chosen = random.integers(0, len(sample), size=(RESAMPLES, len(sample)))
    low, high = np.percentile(sample[chosen].mean(axis=1), [2.5, 97.5])
    return Figure(float(sample.mean()), float(low), float(high))


def differences(old: Mapping[str, Ranks], new: Mapping[str, Ranks]) -> dict[str, Figure]:
    """New minus old, question by question, over the questions that both have."""
    both = [(old[key], new[key]) for key in new if key in old]
    return {
        name: mean_with_interval([measure(after) - measure(before) for before, after in both])
        for name, measure in MEASURES.items()
        if both
    }


def percentiles(values: Sequence[float], wanted: Sequence[int], digits: int) -> dict[str, float]:
    """Percentiles of some values, rounded, as "p50"; none of no value."""
    if not values:
        return {}
    found = np.percentile(np.asarray(values), wanted)
    return {f"p{key}": round(float(one), digits) for key, one in zip(wanted, found, strict=True)}
