import psycopg
import pytest

from ingestion.language import (
    CONFIGURATIONS,
    SAMPLE_PAGE_CHARACTERS,
    SAMPLE_PAGES,
    STOP_WORDS,
    detect,
    prevailing,
    sample,
)


@pytest.mark.parametrize(
    ("text", "configuration"),
    [
        ("What was the revenue of the group in 2025?", "english"),
        ("Wie hoch war der Umsatz im Jahr 2025?", "german"),
        ("¿Cuál fue el beneficio neto de la empresa?", "spanish"),
        ("Quelle est la durée du contrat ?", "french"),
        ("Qual è la durata del contratto?", "italian"),
        ("Quando foi assinado o contrato?", "portuguese"),
        ("Wat is de looptijd van het contract?", "dutch"),
        ("Какая выручка была в 2025 году?", "russian"),
        ("ما هو تاريخ انتهاء العقد؟", "arabic"),
    ],
)
def test_a_short_question_shows_its_language(text: str, configuration: str) -> None:
    assert detect(text) == configuration


@pytest.mark.parametrize("text", ["", "1,234 5,678", "EBITDA Harrowmere", "\u0430\u0431\u0432"])
def test_text_without_function_words_decides_nothing(text: str) -> None:
    assert detect(text) == "simple"


@pytest.mark.parametrize("text", ["合同的期限是多久", "契約期間はいつまでですか。", "สัญญามีอายุกี่ปี"])
def test_words_without_spaces_go_with_any_language(text: str) -> None:
    assert detect(text) is None


def test_a_name_in_another_script_does_not_change_the_language() -> None:
    assert detect("The contract with 株式会社 was signed by the president of the company.") == (
        "english"
    )


@pytest.mark.parametrize(
    ("votes", "language"),
    [
        ([], "simple"),
        ([("simple", 9), (None, 9)], "simple"),
        ([("simple", 90), ("english", 1)], "english"),
        ([(None, 90), ("english", 1)], "english"),
        ([("french", 3), ("english", 2), ("english", 2)], "english"),
        ([("french", 3), ("english", 3)], "french"),
    ],
)
def test_a_collection_has_the_language_of_most_passages(
    votes: list[tuple[str | None, int]], language: str
) -> None:
    assert prevailing(votes) == language


def test_a_document_is_told_from_its_first_pages() -> None:
    pages = [f"{number} {'x' * SAMPLE_PAGE_CHARACTERS}" for number in range(SAMPLE_PAGES + 1)]
    lines = sample(pages).split("\n")
    assert [line[:2].strip() for line in lines] == [str(number) for number in range(SAMPLE_PAGES)]
    assert {len(line) for line in lines} == {SAMPLE_PAGE_CHARACTERS}


def test_what_is_detected_and_chosen_is_known_to_the_database(cluster_url: str) -> None:
    with psycopg.connect(cluster_url) as connection:
        rows = connection.execute("SELECT cfgname FROM pg_ts_config").fetchall()
    assert set(CONFIGURATIONS) <= {row[0] for row in rows}
    assert set(STOP_WORDS) <= set(CONFIGURATIONS)
