"""Measures against values worked out by hand."""

import math

import pytest

from aiconvokit.evals import metrics


def test_measures_of_one_question() -> None:
    ranks = [2, 7, None]
    found = {name: measure(ranks) for name, measure in metrics.MEASURES.items()}
    gain = 1 / math.log2(3) + 1 / math.log2(8)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found == {
        "recall@5": pytest.approx(1 / 3),
        "recall@10": pytest.approx(2 / 3),
        "hit@10": 1.0,
        "mrr@10": 0.5,
        "ndcg@10": pytest.approx(gain / ideal),
    }


def test_what_lies_beyond_ten_counts_for_nothing() -> None:
    assert {measure([11, None]) for measure in metrics.MEASURES.values()} == {0.0}


def test_an_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    questions = [[1]] * 30 + [[None]] * 10
    first = metrics.figures(questions)["recall@5"]
    assert first.mean == 0.75
    assert 0.55 < first.low < 0.68
    assert 0.82 < first.high < 0.92
    assert metrics.figures(questions)["recall@5"] == first
    assert metrics.figures([]) == {}


def test_differences_are_paired() -> None:
    old = {str(number): [None if number % 2 else 1] for number in range(40)}
    better = old | {"1": [3], "only new": [1]}
    found = metrics.differences(old, better)["recall@5"]
    assert found.mean == pytest.approx(1 / 40)
    assert found.low == 0.0  # nothing got worse, so no resample can be below zero
    assert metrics.differences(old, {"unknown": [1]}) == {}


def test_percentiles() -> None:
    values = [number / 100 for number in range(101)]
    assert metrics.percentiles(values, (5, 50), 3) == {"p5": 0.05, "p50": 0.5}
    assert metrics.percentiles([0.123, 0.123], (1,), 1) == {"p1": 0.1}
    assert metrics.percentiles([], (5, 50), 3) == {}
