"""Answers of a word or two, which mean what the question asks."""

import pytest

from aiconvokit.chat.attribution import attribute
from support.passages import source

TEXT = """This Agreement shall be governed by the laws of the State of Arkansas.
Notices to the Shipper are sent to its office in Texas.
Either party may terminate this Agreement upon thirty (30) days notice.
Cash 840 1,093
"""


@pytest.mark.parametrize(
    ("question", "answer", "quote"),
    [
        ("Which state's laws govern the agreement?", "Arkansas.", "Arkansas"),
        ("How many days notice does a party need to terminate?", "30 days", "thirty"),
    ],
)
def test_a_short_answer_is_quoted_where_the_question_is_answered(
    question: str, answer: str, quote: str
) -> None:
    found = attribute(answer, [source(1, TEXT)], question)
    (citation,) = found.citations
    assert quote in citation.quote
    assert found.claims[0].supported


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which state's laws govern the agreement?", "Texas."),
        ("Which state's laws govern the agreement?", "Delaware."),
        ("How many days notice does a party need to terminate?", "60 days"),
        ("What was the cash?", "840"),
        ("May a party terminate?", "Yes."),
        ("", "Arkansas."),
    ],
)
def test_a_short_answer_from_elsewhere_is_not_supported(question: str, answer: str) -> None:
    found = attribute(answer, [source(1, TEXT)], question)
    assert not found.citations
    assert not found.claims[0].supported
