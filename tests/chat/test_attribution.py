import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat.attribution import ABSTENTION, attribute
from aiconvokit.chat.numbers import placed_numbers, plain, quoted_numbers
from aiconvokit.chat.proof import Attributed
from support.passages import source

REPORT = """Consolidated income statement
EUR million Note 2025 2024
Revenue 3 4,812.4 4,375.1
Net profit 412.0 380.2
Revenue rose by 10.0 % in 2025, driven by pumps sold in the
United States and Canada. The Board did not propose a special dividend. It proposed an ordinary
dividend of EUR 1.20 per share. Headcount fell to 12,340 employees."""
CONTRACT = """8. Either party may terminate this Agreement upon ninety (90) days' written notice.
The Supplier shall not assign this Agreement without the prior written consent of the Buyer.
This Agreement is governed by the laws of the State of Delaware."""


SOURCES = [source(1, REPORT), source(2, CONTRACT)]


def quotes(attributed: Attributed) -> list[str]:
    return [citation.quote for citation in attributed.citations]


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("Revenue rose by 10% in 2025.", "Revenue rose by 10.0 %"),
        ("The dividend proposed is \u20ac1.20 per share.", "EUR 1.20 per share."),
        ("Either party may terminate with 90 days notice.", "ninety (90) days"),
        ("The supplier may not assign the agreement without consent.", "shall not assign"),
        ("The headcount was 12340 employees.", "12,340 employees"),
        ("Net profit was EUR 412,000 thousand.", "412.0"),
    ],
)
def test_a_claim_is_cited_with_its_sentence(answer: str, quote: str) -> None:
    attributed = attribute(answer, SOURCES)
    assert attributed.output == f"{answer} [1]"
    assert quote in quotes(attributed)[0]
    assert [(c.supported, c.reason, c.citations) for c in attributed.claims] == [(True, None, (1,))]


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("The capital of France is Paris.", "no_match"),
        ("Headcount fell to 12,430 employees.", "number_mismatch"),
        ("Revenue was EUR 4,812.4 billion in 2025.", "number_mismatch"),
        ("Revenue was 4,812.4 million in 2024.", "number_mismatch"),
        ("Revenue was 4,375.1 in 2025 and 4,812.4 in 2024.", "number_mismatch"),
        ("Either party may terminate with 60 days notice.", "number_mismatch"),
        ("The Board proposed a special dividend.", "negation_mismatch"),
        ("Headcount did not fall to 12,340 employees.", "negation_mismatch"),
        ("Revenue fell by 10% in 2025.", "negation_mismatch"),
        (
            "The Supplier may assign this Agreement with the consent of the Buyer.",
            "negation_mismatch",
        ),
        ("Delaware.", "too_short"),
        ("Hello!", "not_a_claim"),
        ("Which year do you mean?", "not_a_claim"),
        (ABSTENTION, "not_a_claim"),
    ],
)
def test_what_the_sources_do_not_say_is_not_cited(claim: str, reason: str) -> None:
    hint = "" if reason == "too_short" else " [1]"
    attributed = attribute(claim[:-1] + hint + claim[-1], SOURCES)
    assert attributed.output == claim
    assert attributed.citations == ()
    assert [(c.supported, c.reason) for c in attributed.claims] == [(False, reason)]


def test_a_year_above_the_column_is_cited_with_the_row() -> None:
    attributed = attribute(
        "Revenue was EUR 4,812.4 million in 2025. In 2024 it was 4,375.1.", SOURCES
    )
    assert quotes(attributed) == ["Revenue 3 4,812.4 4,375.1", "EUR million Note 2025 2024"]
    assert [claim.citations for claim in attributed.claims] == [(1, 2), (1, 2)]


def test_wrong_marks_are_moved_missing_ones_added_and_all_renumbered() -> None:
    attributed = attribute(
        "The laws of Delaware govern this Agreement [1]. Headcount fell to 12,340 employees[2]. "
        "This Agreement is governed by the laws of Delaware\u30107\u3011.",
        SOURCES,
    )
    assert attributed.output == (
        "The laws of Delaware govern this Agreement. [1] Headcount fell to 12,340 employees. [2] "
        "This Agreement is governed by the laws of Delaware. [1]"
    )
    assert [c.passage.document_id for c in attributed.citations] == [2, 1]


def test_the_models_mark_decides_between_equal_quotes() -> None:
    twins = [source(1, "The term is five years."), source(2, "The term is five years.")]
    attributed = attribute("The term is five years [2].", twins)
    assert [c.passage.document_id for c in attributed.citations] == [2]


def test_marks_in_code_stay_and_rows_keep_their_bars() -> None:
    answer = (
        "```\nx[1]\n```\nUse `a[1]` here.\n\n"
        "| Item | Value |\n|---|---|\n| Net profit | 412.0 | [1]\n"
    )
    assert attribute(answer, SOURCES).output == (
        "```\nx[1]\n```\nUse `a[1]` here.\n\n"
        "| Item | Value |\n|---|---|\n| Net profit | 412.0 [1] |\n"
    )


def test_only_what_stood_in_the_prompt_is_cited() -> None:
    end = CONTRACT.index("This Agreement is governed")
    attributed = attribute(
        "The laws of Delaware govern it [1].", [source(1, CONTRACT, text=CONTRACT[:end], end=end)]
    )
    assert [claim.reason for claim in attributed.claims] == ["no_match"]


MARKS = st.integers(0, 120).map(lambda n: f"[{n}]")
FRAGMENTS = st.sampled_from(
    ["Revenue rose. ", "`", "```\n", "| a | 5 |\n", "\n", "[", "]", "1", "(", "not ", "2024 ", "。"]
)
ANSWERS = st.lists(st.text(max_size=30) | MARKS | FRAGMENTS, max_size=12).map("".join)


@given(st.lists(st.text(max_size=200), min_size=1, max_size=3), ANSWERS, st.data())
def test_every_quote_stands_on_its_page(pages: list[str], noise: str, data: st.DataObject) -> None:
    cut = data.draw(st.sampled_from(pages))
    sources = [source(index, page) for index, page in enumerate(pages, 1)]
    attributed = attribute(f"{noise}\n\n{cut}\n{noise}", sources)
    by_document = {s.passage.document_id: s.page_text for s in sources}
    for citation in attributed.citations:
        page = by_document[citation.passage.document_id]
        assert 0 <= citation.start < citation.end <= len(page)
        assert page[citation.start : citation.end] == citation.quote
    used = [index for claim in attributed.claims for index in claim.citations]
    assert list(dict.fromkeys(used)) == [c.index for c in attributed.citations]
    assert [c.index for c in attributed.citations] == list(range(1, len(attributed.citations) + 1))
    assert attributed == attribute(f"{noise}\n\n{cut}\n{noise}", sources)
    ends = [0, *(claim.end for claim in attributed.claims)]
    assert ends[-1] <= len(attributed.output)
    for before, claim in zip(ends, attributed.claims, strict=False):
        assert before <= claim.start < claim.end
        assert claim.supported == (claim.reason is None) == bool(claim.citations)
        marks = "".join(f"[{index}]" for index in claim.citations)
        assert attributed.output[claim.end :].startswith(f" {marks}" if marks else "")


@given(st.text(max_size=200))
def test_an_answer_without_sources_is_kept_but_for_its_marks(text: str) -> None:
    attributed = attribute(text, [])
    assert attributed.citations == ()
    assert re.sub(r"[\s\[\]\u3010\u3011\d^,;\u2013-]", "", attributed.output) == re.sub(
        r"[\s\[\]\u3010\u3011\d^,;\u2013-]", "", text
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,234.50", "1.234,5", True),
        ("4.2 million", "4,200,000", True),
        ("4.2 million", "Revenue 4.2 3.9", True),
        ("4.2 million", "4.2 billion", False),
        ("\u20ac4.8bn", "4.8 billion euros", True),
        ("\u20ac5", "$5", False),
        ("5%", "5 million", False),
        ("3 years", "three years", True),
        ("1\u202f234", "1 234", True),
        ("120", "Employees 120 115", True),
        ("115", "Employees 120\u00a0115", True),
        ("12", "123", False),
        ("1234567890123456789012345678901", "1234567890123456789012345678902", False),
        ("\u0663", "3", True),
        ("\uff13\uff10", "30", True),
        ("\u20ac11.2 million", "11,200,000", True),
        ("11.2m", "EUR 11.2 million", True),
        ("4.2", "4.2 million", False),
        ("5", "5 %", False),
        ("5%", "5 percentage points", False),
        ("$(1,234) million", "-$1,234 million", True),
        ("30 days", "thirty (30) days", True),
        ("30 days", "30 months", False),
        ("one hundred and twenty days", "120 business days", True),
        ("5 March 2025", "March 5th, 2025", True),
        ("2025-03-05", "5. M\u00e4rz 2025", True),
        ("05.03.2025", "2025\u5e743\u67085\u65e5", True),
        ("5 de marzo de 2025", "3 March 2025", False),
        ("March 2025", "5 March 2025", True),
        ("5 March 2025", "March 2025", False),
        ("4,2 Mio. EUR", "EUR 4.2 million", True),
        ("420\u4e07\u5143", "4.2\u767e\u4e07\u5143", True),
        ("\u4e09\u5341\u5929", "30\u5929", True),
    ],
)
def test_numbers_are_compared_by_value_and_unit(one: str, other: str, *, same: bool) -> None:
    shown = quoted_numbers(other)
    assert all(any(p.number.matches(s) for s in shown) for p in placed_numbers(plain(one))) is same
