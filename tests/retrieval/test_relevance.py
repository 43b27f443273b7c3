from aiconvokit.retrieval.relevance import RELEVANT_FROM, anything_relevant
from aiconvokit.retrieval.types import Passage


def passage(dense: float) -> Passage:
    return Passage(
        chunk_id=1,
        document_id=1,
        version=1,
        filename="a.txt",
        page=1,
        page_label=None,
        heading="",
        start=0,
        end=1,
        text="a",
        score=1.0,
        dense=dense,
        lexical=0.0,
    )


def test_the_best_cosine_decides_in_a_space_with_a_threshold() -> None:
    model, threshold = next(iter(RELEVANT_FROM.items()))
    far, near = passage(threshold - 0.01), passage(threshold)
    assert anything_relevant([far, near], model)
    assert not anything_relevant([far], model)
    assert anything_relevant([far], "another model")
    assert not anything_relevant([], "another model")
