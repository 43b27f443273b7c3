from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.retrieval import fuse as room
from aiconvokit.retrieval.fuse import Signals
from aiconvokit.retrieval.recipe import RECIPE, Recipe
from aiconvokit.retrieval.types import Candidates

# As float32 gives them: differences far below that vanish in any sum.
COSINE = st.integers(-(10**7), 10**7).map(lambda n: n / 10**7)
BM25 = st.just(0.0) | st.integers(1, 60 * 10**5).map(lambda n: n / 10**5)
LIFT = RECIPE.naming * 0.017
DENSITY = st.integers(0, 100).map(lambda n: n / 100)
SIGNALS = st.builds(
    Signals,
    gate=st.floats(0, 1),
    asks_for_figures=st.booleans(),
    priors=st.dictionaries(st.just(1), st.floats(0, 1)),
    lift=st.just(LIFT),
)


class Candidate(NamedTuple):
    chunk_id: int
    document_id: int
    dense: float
    lexical: float
    number_density: float


def fuse(
    candidates: Sequence[Candidate], known: Signals, recipe: Recipe
) -> list[tuple[int, float]]:
    columns = [list(column) for column in zip(*candidates, strict=True)] or [[]] * 5
    ranked = room.fuse(Candidates.of(columns), known, recipe, len(candidates))
    by_id = {one.chunk_id: one for one in candidates}
    for one in ranked:
        assert (one.dense, one.lexical) == by_id[one.chunk_id][2:4]
    return [(one.chunk_id, one.score) for one in ranked]


def candidates_of(scores: Sequence[tuple[float, float, float]]) -> list[Candidate]:
    return [Candidate(n, n % 2, *three) for n, three in enumerate(scores, 1)]


def signals(gate: float = 1.0, *, figures: bool = False, **priors: float) -> Signals:
    return Signals(gate, figures, {int(key[1:]): value for key, value in priors.items()}, LIFT)


CANDIDATES = st.lists(st.tuples(COSINE, BM25, DENSITY), max_size=12).map(candidates_of)


@given(CANDIDATES, SIGNALS, st.randoms())
def test_the_order_of_rows_does_not_matter(
    candidates: list[Candidate], known: Signals, random: Random
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert fuse(shuffled, known, RECIPE) == fuse(candidates, known, RECIPE)


@given(CANDIDATES, SIGNALS)
def test_scores_are_between_0_and_1_and_sorted(candidates: list[Candidate], known: Signals) -> None:
    fused = fuse(candidates, known, RECIPE)
    scores = [score for _, score in fused]
    assert sorted(chunk_id for chunk_id, _ in fused) == [c.chunk_id for c in candidates]
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(CANDIDATES)
def test_a_closed_gate_leaves_the_dense_order(candidates: list[Candidate]) -> None:
    dense = {c.chunk_id: c.dense for c in candidates}
    order = [dense[chunk_id] for chunk_id, _ in fuse(candidates, signals(0.0), RECIPE)]
    assert order == sorted(order, reverse=True)


def test_both_legs_weigh_in_when_the_gate_is_open() -> None:
    candidates = candidates_of([(0.9, 0, 0), (0.8, 12.0, 0), (0.7, 6.0, 0)])
    fused = dict(fuse(candidates, signals(), Recipe(lexical_weight=0.6)))
    assert fused == pytest.approx({1: 0.4, 2: 0.4 * 0.5 + 0.6, 3: 0.6 * 0.5})


def test_a_lexical_leg_that_found_nothing_has_no_say() -> None:
    candidates = candidates_of([(0.9, 0, 0), (0.8, 0, 0)])
    assert fuse(candidates, signals(), RECIPE) == [(1, 1.0), (2, 0.0)]


def test_numbers_go_up_only_when_figures_are_asked_for() -> None:
    candidates = candidates_of([(0.9, 3.0, 0.0), (0.89, 2.9, 1.0), (0.5, 0, 0)])
    assert fuse(candidates, signals(), RECIPE)[0][0] == 1
    assert fuse(candidates, signals(figures=True), RECIPE)[0][0] == 2


def test_a_document_that_is_meant_goes_up_on_both_legs() -> None:
    candidates = candidates_of([(0.85, 9.0, 0), (0.84, 8.0, 0), (0.80, 1.0, 0)])
    assert [chunk for chunk, _ in fuse(candidates, signals(), RECIPE)] == [1, 2, 3]
    assert [chunk for chunk, _ in fuse(candidates, signals(d0=1.0), RECIPE)] == [2, 1, 3]


def test_few_or_equal_scores() -> None:
    assert fuse([], signals(), RECIPE) == []
    assert fuse(candidates_of([(0.8, 3.0, 0)]), signals(), RECIPE) == [(1, 1.0)]
    equal = candidates_of([(0.8, 3.0, 0), (0.8, 3.0, 0)])
    assert fuse(equal, signals(), RECIPE) == [(1, 1.0), (2, 1.0)]
