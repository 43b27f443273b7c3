from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.retrieval.fuse import fuse
from aiconvokit.retrieval.types import Candidate

# As float32 gives them: differences far below that vanish in any sum.
COSINE = st.integers(-(10**7), 10**7).map(lambda n: n / 10**7)
COSINES = st.none() | COSINE
BM25 = st.none() | st.integers(0, 60 * 10**5).map(lambda n: n / 10**5)
GATES = st.floats(0, 1)


def candidates_of(scores: Sequence[tuple[float | None, float | None]]) -> list[Candidate]:
    return [Candidate(n, 1, dense, lexical) for n, (dense, lexical) in enumerate(scores, 1)]


CANDIDATES = st.lists(st.tuples(COSINES, BM25), max_size=12).map(candidates_of)


@given(CANDIDATES, GATES, st.randoms())
def test_the_order_of_rows_does_not_matter(
    candidates: list[Candidate], gate: float, random: Random
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert fuse(shuffled, gate) == fuse(candidates, gate)


@given(CANDIDATES, GATES)
def test_scores_are_between_0_and_1_and_sorted(candidates: list[Candidate], gate: float) -> None:
    fused = fuse(candidates, gate)
    scores = [score for _, score in fused]
    assert sorted(chunk_id for chunk_id, _ in fused) == [c.chunk_id for c in candidates]
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(st.lists(st.tuples(COSINE, BM25), min_size=1, max_size=12).map(candidates_of))
def test_a_closed_gate_leaves_the_dense_order(candidates: list[Candidate]) -> None:
    dense = {c.chunk_id: c.dense or 0.0 for c in candidates}
    order = [dense[chunk_id] for chunk_id, _ in fuse(candidates, 0.0)]
    assert order == sorted(order, reverse=True)


def test_both_legs_weigh_in_when_the_gate_is_open() -> None:
    candidates = candidates_of([(0.9, None), (0.8, 12.0), (0.7, 6.0)])
    fused = dict(fuse(candidates, 1.0))
    assert fused == pytest.approx({1: 0.4, 2: 0.4 * 0.5 + 0.6, 3: 0.6 * 0.5})


@pytest.mark.parametrize(
    "candidates",
    [
        candidates_of([(0.9, None), (0.8, None)]),
        candidates_of([(None, 9.0), (None, 8.0)]),
    ],
    ids=["no lexical leg", "no dense leg"],
)
def test_a_leg_that_is_alone_decides_alone(candidates: list[Candidate]) -> None:
    assert fuse(candidates, 0.5) == [(1, 1.0), (2, 0.0)]


def test_few_or_equal_scores() -> None:
    assert fuse([], 1.0) == []
    assert fuse(candidates_of([(0.8, 3.0)]), 1.0) == [(1, 1.0)]
    assert fuse(candidates_of([(0.8, 3.0), (0.8, 3.0)]), 1.0) == [(1, 1.0), (2, 1.0)]
