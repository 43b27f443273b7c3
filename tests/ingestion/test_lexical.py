"""Index and question must come to the same words, in Postgres and not only in Python."""

import psycopg
import pytest

from ingestion.lexical import lexical_text, paired

# Letters with the marks on them, by hand: a word of each script, and a longer text that holds it.
WRITTEN_TOGETHER = {
    "chinese": ("合同", "本合同的期限为三年"),
    "japanese": ("契約期間", "契約期間は二年とする"),
    "thai": ("สัญญา", "อายุของสัญญานี้คือสามปี"),
    "lao": ("ສັນຍາ", "ສັນຍານີ້ມີອາຍຸສາມປີ"),
    "khmer": ("កិច្ចសន្យា", "កិច្ចសន្យានេះមានរយៈពេលបីឆ្នាំ"),
    "burmese": ("စာချုပ်", "ဤစာချုပ်သည်သုံးနှစ်ဖြစ်သည်"),
}


def lexemes(connection: "psycopg.Connection[tuple[list[str]]]", text: str) -> set[str]:
    row = connection.execute(
        "SELECT tsvector_to_array(to_tsvector('simple', %s))", [lexical_text(text)]
    ).fetchone()
    assert row
    return set(row[0])


@pytest.mark.parametrize(("word", "text"), WRITTEN_TOGETHER.values(), ids=WRITTEN_TOGETHER)
def test_a_word_is_found_in_a_text_without_spaces(cluster_url: str, word: str, text: str) -> None:
    with psycopg.connect(cluster_url) as connection:
        asked, indexed = lexemes(connection, word), lexemes(connection, text)
    assert asked
    assert asked <= indexed


@pytest.mark.parametrize(("word", "text"), WRITTEN_TOGETHER.values(), ids=WRITTEN_TOGETHER)
def test_no_mark_is_lost_in_the_database(cluster_url: str, word: str, text: str) -> None:
    with psycopg.connect(cluster_url) as connection:
        assert lexemes(connection, text) == set(lexical_text(text).split())
        assert lexemes(connection, word) == set(lexical_text(word).split())


def test_pairs_stand_beside_words_with_spaces() -> None:
    assert paired("AI技术的2025年").split() == ["AI", "技术", "术的", "2025", "年"]
    assert paired("no such script") == "no such script"


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("２０２５年", "2025年"),
        ("ﾃﾞｰﾀ", "データ"),
        ("٢٠٢٥", "2025"),
        ("ปี๒๕๖๘", "ปี2568"),
        ("u\u0308ber", "über"),
        ("ﬁscal", "fiscal"),
        ("\u2f00年", "一年"),
    ],
)
def test_letters_and_digits_are_those_that_people_type(written: str, typed: str) -> None:
    assert lexical_text(written).split() == lexical_text(typed).split()


def test_signs_are_not_glued_to_words() -> None:
    assert lexical_text("Acme™ assets¹") == "Acme™ assets¹"


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("net sales of FY17", "2017"),
        ("FY 2024", "2024"),
        ("in Q2 of FY2023", "2023 q2"),
        ("2Q23", "q2 2023"),
    ],
)
def test_years_and_quarters_are_spelled_out(text: str, added: str) -> None:
    assert lexical_text(text) == f"{text} {added}"
