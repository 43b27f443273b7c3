import pytest

from ingestion.language import detect


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
def test_words_without_spaces_have_no_lexical_leg(text: str) -> None:
    assert detect(text) is None


def test_a_name_in_another_script_does_not_change_the_language() -> None:
    assert detect("The contract with 株式会社 was signed by the president of the company.") == (
        "english"
    )
