from typing import Any

from aiconvokit.retrieval.relevance import RELEVANT_FROM, anything_relevant
from aiconvokit.retrieval.types import Found, Space
from support.passages import passage

MODEL, THRESHOLD = next(iter(RELEVANT_FROM.items()))
SPACES = {
    1: Space(id=1, provider="", model=MODEL, dim=1),
    2: Space(id=2, provider="", model="another model", dim=1),
}


def is_relevant(*passages: dict[str, Any]) -> bool:
    return anything_relevant(Found([passage(**one) for one in passages], SPACES))


def test_the_best_cosine_decides_in_a_space_with_a_threshold() -> None:
    far, near = {"dense": THRESHOLD - 0.01}, {"dense": THRESHOLD}
    assert is_relevant(far, near)
    assert not is_relevant(far)
    assert is_relevant({**far, "document_id": 2})
    assert not is_relevant()


def test_each_space_has_its_own_measure() -> None:
    far = {"dense": THRESHOLD - 0.01}
    assert is_relevant(far, {"dense": 0.1, "document_id": 2})


def test_a_search_names_the_space_of_its_best_passage() -> None:
    best = passage(document_id=2, score=1.0)
    found = Found([best, passage(score=0.5)], SPACES)
    assert found.space is SPACES[2]
    assert Found([], {}).space is None
