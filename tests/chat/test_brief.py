"""Answers of a word or two, which mean what the question asks."""

import pytest

from aiconvokit.chat.attribution import attribute
from support.passages import source

TEXT = """This Agreement shall be governed by the laws of the State of Arkansas.
Notices to the Shipper are sent to its office in Texas.
Either party may terminate this Agreement upon thirty (30) days notice.
Cash 840 1,093

EUR thousand 2025 2024
Revenue 632,350 581,110
Operating profit 60,842 43,583
Headcount 83 79
"""


@pytest.mark.parametrize(
    ("question", "answer", "quote"),
    [
        ("Which state's laws govern the agreement?", "Arkansas.", "Arkansas"),
        ("How many days notice does a party need to terminate?", "30 days", "thirty"),
        ("What was revenue in 2025?", "€632,350 thousand.", "Revenue 632,350"),
        ("What was revenue in 2025?", "EUR 632.35 million.", "Revenue 632,350"),
        ("What was revenue in 2024", "581,110", "Revenue 632,350 581,110"),
        ("And the operating profit of 2024?", "43,583 thousand euros [1].", "Operating profit"),
    ],
)
def test_a_short_answer_is_quoted_where_the_question_is_answered(
    question: str, answer: str, quote: str
) -> None:
    found = attribute(answer, [source(1, TEXT)], question)
    assert quote in found.citations[0].quote
    assert found.claims[0].supported


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which state's laws govern the agreement?", "Texas."),
        ("Which state's laws govern the agreement?", "Delaware."),
        ("How many days notice does a party need to terminate?", "60 days"),
        ("What was the cash?", "840"),
        ("What was revenue in 2024?", "€632,350 thousand."),
        ("What was revenue in 2025?", "€632,350 million."),
        ("What was revenue in 2025?", "60,842"),
        ("What was operating profit in 2023?", "43,583"),
        ("What was the revenue?", "632,350"),
        ("How many customers were there in 2025?", "83"),
        ("What was revenue in 2025, and not in 2024?", "581,110"),
        ("May a party terminate?", "Yes."),
        ("", "Arkansas."),
    ],
)
def test_a_short_answer_from_elsewhere_is_not_supported(question: str, answer: str) -> None:
    found = attribute(answer, [source(1, TEXT)], question)
    assert not found.citations
    assert not found.claims[0].supported
