import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat.extractive import extract
from support.passages import source

REPORT = """Consolidated income statement
EUR million Note 2025 2024
Revenue 3 4,812.4 4,375.1
Net profit 412.0 380.2
Sites
The Kaunas plant assembled 61,400 heat pumps in 2025 on two shifts. In the year before, 2024, the
plant had assembled 52,700 heat pumps, because wholesalers were emptying their warehouses.
Headcount fell to 12,340 employees."""
CONTRACT = """15. Governing Law
This Agreement is construed under the law of the Netherlands.
16. Warranty
The warranty period for compressors is thirty-six months from delivery.
The warranty period for drives is twenty-four months from delivery."""


SOURCES = [source(1, REPORT), source(2, CONTRACT, score=0.5)]


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How long is the warranty period for compressors?", "thirty-six months"),
        ("How many heat pumps did the Kaunas plant assemble in 2025?", "61,400"),
        ("How many heat pumps did the Kaunas plant assemble in 2024?", "52,700"),
        ("What was the revenue?", "Revenue 3 4,812.4 4,375.1"),
        ("What is the governing law of this agreement?", "law of the Netherlands"),
    ],
)
def test_the_best_unit_comes_first(question: str, quote: str) -> None:
    answer = extract(question, SOURCES)
    assert answer is not None
    assert quote in answer.citations[0].quote
    assert answer.claims[0].citations == (1,)


def test_a_row_follows_the_head_of_its_table() -> None:
    answer = extract("What was the revenue?", SOURCES)
    assert answer is not None
    assert answer.output == "EUR million Note 2025 2024: Revenue 3 4,812.4 4,375.1 [1]"


def test_a_table_of_contents_answers_nothing() -> None:
    """It names what is asked for better than the clause does, and says nothing of it."""
    contents = """2. Term and renewal . . . . . . . . . . . . . . . . . . . . . . . . 3
21. Governing law and arbitration ........................................ 8"""
    clause = "21.1 This agreement is governed by the law of the Netherlands."
    sources = [source(1, contents), source(2, clause, score=0.5)]
    answer = extract("Which governing law and arbitration?", sources)
    assert answer is not None
    assert [one.quote for one in answer.citations] == [clause]


def test_a_follow_up_is_read_with_the_turn_before() -> None:
    asked = "How many heat pumps did the Kaunas plant assemble in 2025?"
    answer = extract("And in the year before?", SOURCES, history=[asked])
    assert answer is not None
    assert "52,700" in answer.citations[0].quote


@pytest.mark.parametrize(
    "question",
    [
        "How many weeks of paternity leave do new fathers get?",
        "Who won the football world cup?",
        "And in the year before?",
        "",
    ],
)
def test_without_an_answer_nothing_is_said(question: str) -> None:
    assert extract(question, SOURCES) is None
    assert extract(question, []) is None


@given(st.text(max_size=300), st.data())
def test_what_is_said_stands_on_the_page(page: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(page)))
    answer = extract(page[start : start + 40], [source(1, page)])
    if answer is None:
        return
    for citation in answer.citations:
        assert page[citation.start : citation.end] == citation.quote
    for claim in answer.claims:
        said = answer.output[claim.start : claim.end]
        assert said in [" ".join(citation.quote.split()) for citation in answer.citations]
