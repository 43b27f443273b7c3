from aiconvokit.retrieval.relevance import RELEVANT_FROM, anything_relevant
from support.passages import passage


def test_the_best_cosine_decides_in_a_space_with_a_threshold() -> None:
    model, threshold = next(iter(RELEVANT_FROM.items()))
    far, near = passage(dense=threshold - 0.01), passage(dense=threshold)
    assert anything_relevant([far, near], model)
    assert not anything_relevant([far], model)
    assert anything_relevant([far], "another model")
    assert not anything_relevant([], "another model")
