import pytest

from aiconvokit.retrieval.figures import asks_for_figures
from aiconvokit.retrieval.recipe import RECIPE
from aiconvokit.retrieval.terms import MAX_CHARACTERS, WeightedText, weighted_texts


def test_older_turns_weigh_less_and_the_question_stands_first() -> None:
    found = weighted_texts("And in FY18?", ["Revenue in 2019?", "Hello"], "It was 3.", "", RECIPE)
    assert found[0] == WeightedText("And in FY18? 2018", 1.0)
    assert [one.weight for one in found[1:3]] == [RECIPE.turn_decay, RECIPE.turn_decay**2]
    assert found[3] == WeightedText("It was 3.", RECIPE.last_answer)
    assert len(found) == 4


def test_a_pasted_document_is_cut() -> None:
    (found,) = weighted_texts("word " * 30_000, [], "", "", RECIPE)
    assert len(found.text) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What is the current ratio?", True),
        ("How many employees are there?", True),
        ("Wie hoch war der Umsatz?", True),
        ("What is the expiration date?", False),
        ("Which law governs the contract?", False),
    ],
)
def test_questions_for_figures_are_told_by_whole_words(question: str, *, asks: bool) -> None:
    assert asks_for_figures(question) is asks
