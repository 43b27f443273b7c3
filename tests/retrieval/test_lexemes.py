import pytest

from aiconvokit.retrieval.lexemes import content_stems, lexical_gate


@pytest.mark.parametrize(
    ("query", "collection", "known", "gate"),
    [
        ("english", "english", 0.0, 1.0),
        ("german", "english", 0.4, 0.0),
        ("german", "english", 0.65, 0.5),
        ("german", "english", 0.9, 1.0),
        ("simple", "english", 1.0, 1.0),
        ("simple", "simple", 0.5, 0.0),
        (None, "english", 0.2, 0.0),
        (None, "english", 0.35, 0.5),
        (None, "simple", 0.5, 1.0),
        ("english", "simple", 0.5, 0.0),
        ("english", None, 1.0, 0.0),
    ],
)
def test_the_gate_opens_by_language_or_by_known_words(
    query: str | None, collection: str | None, known: float, gate: float
) -> None:
    assert lexical_gate(query, collection, known) == pytest.approx(gate)


def test_stems_leave_out_function_words_and_possessives() -> None:
    stems = content_stems("What were the company's total assets in 2025?", "english")
    assert stems == [*content_stems("company", "english"), "total", "asset", "2025"]


def test_other_spellings_of_a_word_share_its_stem() -> None:
    assert content_stems("Verträge", "german") != content_stems("Verträge", "simple")
    assert content_stems("terminated", "english") == content_stems("terminate", "english")


def test_words_without_spaces_become_pairs() -> None:
    assert content_stems("合同期限", None) == ["合同", "同期", "期限"]
    assert content_stems("สัญญา 2025", None) == ["สัญ", "ญญ", "ญา", "2025"]


def test_vowel_signs_stay_in_their_word() -> None:
    assert content_stems("हिन्दी अनुबंध", "simple") == ["हिन्दी", "अनुबंध"]
