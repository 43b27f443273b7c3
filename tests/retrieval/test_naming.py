import pytest

from aiconvokit.retrieval.naming import (
    MAX_WORDS,
    NamedDocument,
    naming_words,
    priors,
    without_names,
)
from aiconvokit.retrieval.recipe import RECIPE


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (
            "What was the revenue of Best Buy in FY19?",
            {"best": True, "buy": True, "fy19": True, "2019": False, "bestbuy": True},
        ),
        ("Was it accepted? Yes, it was.", {}),
        ("how do i pay the fees", {}),
        ("What does ACME owe?", {"acme": True}),
    ],
)
def test_what_is_written_like_a_name_may_name_a_document(
    question: str, words: dict[str, bool]
) -> None:
    found = naming_words(question, "english").words
    assert {word: found.get(word) for word in words} == words
    assert set(found) <= set(words) | {"buyin", "infy19", "fy192019"}


def test_a_german_noun_is_no_name_in_the_first_lines() -> None:
    assert not naming_words("Wie hoch war der Umsatz der Acme?", "german").in_heads
    assert naming_words("What was the turnover of Acme?", "english").in_heads


@pytest.mark.parametrize("word", ["Ab ", "Acme. ", "A" * 3_000, "\U00020000"])
def test_a_question_of_any_length_names_few_words(word: str) -> None:
    found = naming_words(word * (100_000 // len(word)), "english").words
    assert len(found) <= MAX_WORDS
    assert all(len(one) <= 200 for one in found)


def test_the_best_named_documents_are_meant_and_cited_ones_a_little() -> None:
    named = [
        NamedDocument(1, 2.0, frozenset({"best", "buy"})),
        NamedDocument(2, 1.5, frozenset({"best"})),
        NamedDocument(3, 1.0, frozenset({"buy"})),
    ]
    assert priors(named, [3, 4], RECIPE) == pytest.approx(
        {1: 1.0, 2: 0.5, 3: RECIPE.cited, 4: RECIPE.cited}
    )


def test_words_that_are_not_rare_enough_name_nothing() -> None:
    assert priors([NamedDocument(1, RECIPE.named_from - 0.1, frozenset("a"))], [], RECIPE) == {}


def test_words_that_only_name_a_document_are_not_asked_for_in_it() -> None:
    named = [NamedDocument(1, 2.0, frozenset({"best", "buy"}))]
    asked = without_names("What was the revenue of Best Buy?", named, {1: 1.0})
    assert asked.split() == ["What", "was", "the", "revenue", "of", "?"]
    assert without_names("Best Buy?", named, {1: 1.0}) == "Best Buy?"
    assert without_names("Best Buy?", named, {}) == "Best Buy?"
