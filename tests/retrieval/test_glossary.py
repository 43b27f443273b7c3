from typing import Any

import pytest

from aiconvokit.retrieval.glossary import (
    BUILT_IN,
    MAX_ENTRIES,
    MAX_PHRASE_CHARACTERS,
    Entry,
    added_words,
    check_glossary,
    entries_of,
)

OWN = entries_of([{"says": ["P&L", "lost money"], "means": ["net loss"]}])


def test_every_line_of_the_built_in_one_is_an_entry() -> None:
    assert (
        Entry(
            ("quick ratio", "current ratio", "liquidity", "working capital"),
            (
                "total current assets",
                "total current liabilities",
            ),
        )
        in BUILT_IN
    )
    assert Entry(("EBIT",), ("operating income",)) in BUILT_IN
    phrases = [phrase for entry in BUILT_IN for phrase in (*entry.says, *entry.means)]
    assert all(phrase and phrase == phrase.strip() and "->" not in phrase for phrase in phrases)


def test_no_phrase_stands_in_two_entries() -> None:
    says = [phrase.casefold() for entry in BUILT_IN for phrase in entry.says]
    assert len(says) == len(set(says))


def test_the_built_in_one_is_as_an_owner_could_give_it() -> None:
    given = [{"says": list(one.says), "means": list(one.means)} for one in BUILT_IN]
    assert entries_of(check_glossary(given)) == BUILT_IN
    assert entries_of(None) == BUILT_IN


@pytest.mark.parametrize(
    ("question", "added"),
    [
        ("Show the P&L.", "net loss"),
        ("show the p & l", "net loss"),
        ("Who lost  money?", "net loss"),
        ("Who lost the money?", ""),
        ("P", ""),
        ("", ""),
    ],
)
def test_whole_phrases_in_any_case(question: str, added: str) -> None:
    assert added_words(question, OWN) == added


def test_an_entry_counts_once_and_in_its_order() -> None:
    entries = [Entry(("capex", "investments"), ("a",)), Entry(("tax",), ("b", "c d"))]
    assert added_words("Tax, capex and investments", entries) == "a b c d"


def test_phrases_without_spaces_between_words() -> None:
    entries = entries_of([{"says": ["損益計算書"], "means": ["income statement"]}])
    assert added_words("昨年の損益計算書を見せて", entries) == "income statement"
    assert added_words("昨年の計算書を見せて", entries) == ""


def test_an_empty_glossary_adds_nothing() -> None:
    assert added_words("What is the P&L?", entries_of([])) == ""


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("P&L", 'Expected a list of items but got type "str".'),
        ([{}] * (MAX_ENTRIES + 1), "Ensure this field has no more than 500 elements."),
        ([1], "Entry 1: Invalid data. Expected a dictionary, but got int."),
        ([{"says": ["a"]}], "Entry 1, means: This field is required."),
        (
            [{"says": ["a"], "means": ["b"]}, {"says": "a", "means": ["b"]}],
            'Entry 2, says: Expected a list of items but got type "str".',
        ),
        ([{"says": [], "means": ["b"]}], "Entry 1, says: This list may not be empty."),
        (
            [{"says": ["a"] * 21, "means": ["b"]}],
            "Entry 1, says: Ensure this field has no more than 20 elements.",
        ),
        ([{"says": [1], "means": ["b"]}], "Entry 1, says: Not a valid string."),
        ([{"says": [" ? "], "means": ["b"]}], "Entry 1, says: This field may not be blank."),
        ([{"says": ["a\0"], "means": ["b"]}], "Entry 1, says: Null characters are not allowed."),
        (
            [{"says": ["\ud800"], "means": ["b"]}],
            "Entry 1, says: Surrogate characters are not allowed.",
        ),
        (
            [{"says": ["a"], "means": ["b" * 101]}],
            "Entry 1, means: Ensure this field has no more than 100 characters.",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(given: Any, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the sentence is compared
        check_glossary(given)
    assert str(caught.value) == why


def test_what_is_kept() -> None:
    longest = "x" * MAX_PHRASE_CHARACTERS
    given = [{"says": [" a  b "], "means": [longest], "note": "not kept"}]
    assert check_glossary(given) == [{"says": ["a  b"], "means": [longest]}]
