"""Two legs become one order: min-max over the union, weighted, behind a language gate."""

from collections.abc import Callable, Sequence

from aiconvokit.retrieval.types import Candidate

LEXICAL_WEIGHT = 0.6
"""Share of BM25 in the fused score when the gate is open.

On the development questions .4 dense + .6 BM25 and .5 + .5 were equal; both beat ranks (RRF),
which ruin a search across languages (recall@1 es->en .87 dense, .54 RRF, .86 gated min-max).
"""


def fuse(candidates: Sequence[Candidate], gate: float) -> list[tuple[int, float]]:
    """Order the candidates of both legs.

    Args:
        candidates: the union of the legs, every chunk once, in any order.
        gate: 0..1 from `lexical_gate`; 0 leaves the dense order alone.

    Returns:
        (chunk id, score in 0..1), best first; equal scores by chunk id, so that one search always
        gives one order.
    """
    dense = _dense_leg([c.dense for c in candidates])
    lexical = _lexical_leg([c.lexical for c in candidates])
    weight = _lexical_weight(candidates, gate)
    scored = [
        (c.chunk_id, (1 - weight) * dense(c.dense) + weight * lexical(c.lexical))
        for c in candidates
    ]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]))


def _lexical_weight(candidates: Sequence[Candidate], gate: float) -> float:
    """A leg that found nothing has no say, and then the other one needs no gate."""
    if all(c.lexical is None for c in candidates):
        return 0.0
    if all(c.dense is None for c in candidates):
        return 1.0
    return LEXICAL_WEIGHT * gate


def _dense_leg(scores: Sequence[float | None]) -> Callable[[float | None], float]:
    """A chunk outside the best n is at most as near as the last of them: it gets the minimum."""
    found = [score for score in scores if score is not None]
    low, high = min(found, default=0.0), max(found, default=0.0)
    return lambda score: _scaled(low if score is None else score, low, high)


def _lexical_leg(scores: Sequence[float | None]) -> Callable[[float | None], float]:
    """A chunk outside the best n most often has none of the words: BM25 0, a true minimum."""
    filled = [score or 0.0 for score in scores]
    low, high = min(filled, default=0.0), max(filled, default=0.0)
    return lambda score: _scaled(score or 0.0, low, high)


def _scaled(score: float, low: float, high: float) -> float:
    """Min-max; where all scores are equal each one is the best of them."""
    return (score - low) / (high - low) if high > low else 1.0
