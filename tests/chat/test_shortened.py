"""True sentences made shorter are supported; what leaves out a condition or mixes up is not."""

import pytest

from aiconvokit.chat.attribution import attribute
from aiconvokit.chat.limits import limits_agree
from aiconvokit.chat.reading import gaps, read_claim, read_quote
from support.passages import source
from support.shortened import Said, said

CLAIMS = said()
STYLES = ("{}", "{} [1]", "- {}", "1. {} [1]")


def supports(page: str, claim: str) -> bool:
    answer = attribute(claim, [source(1, page)])
    for citation in answer.citations:
        assert page[citation.start : citation.end] == citation.quote
    return bool(answer.claims) and all(one.supported for one in answer.claims)


@pytest.mark.parametrize("one", [one for one in CLAIMS if one.is_found], ids=lambda one: one.claim)
def test_what_follows_from_a_sentence_is_supported(one: Said) -> None:
    assert supports(one.page, one.claim)


@pytest.mark.parametrize(
    "one", [one for one in CLAIMS if not one.is_true], ids=lambda one: one.claim
)
def test_what_does_not_follow_is_not_supported(one: Said) -> None:
    assert [style for style in STYLES if supports(one.page, style.format(one.claim))] == []


@pytest.mark.parametrize(
    "one",
    [one for one in CLAIMS if one.is_true and not one.is_found],
    ids=lambda one: one.claim,
)
@pytest.mark.xfail(reason="true, and not found so far")
def test_what_is_refused_so_far(one: Said) -> None:
    assert supports(one.page, one.claim)


def test_there_are_enough_of_each_kind() -> None:
    true = [one for one in CLAIMS if one.is_found]
    assert len(true) >= 100
    assert len(CLAIMS) - len(true) >= 300


FIGURES = (
    "Revenue grew by 8.8% to \u20ac632.4 million (2024: \u20ac581.1 million; 2023: \u20ac584.3 "
    "million). Volumes added 9.6\r\npercentage points and the first two months of Sorvalampi in "
    "the comparison 0.3 points; lower prices\r\ntook 1.0 points away and currency 0.1."
)
BACKLOG = (
    "Germany remained the largest market with 29.6% of revenue, followed by the Netherlands. Of the"
    "\r\norder backlog of \u20ac214.2 million at the end of 2025, \u20ac158.6 million is expected "
    "to become revenue in 2026, \u20ac39.4\r\nmillion in 2027 and \u20ac16.2 million later."
)


@pytest.mark.parametrize(
    ("page", "claim", "is_true"),
    [
        (FIGURES, "Volumes added 9.6 percentage points.", True),
        (FIGURES, "Revenue grew by 8.8% to \u20ac632.4 million.", True),
        (FIGURES, "Volumes added 9.6%.", False),
        (FIGURES, "Lower prices added 9.6 percentage points.", False),
        (FIGURES, "Volumes added 0.3 percentage points.", False),
        (BACKLOG, BACKLOG[BACKLOG.index("Of the") :].replace("\r\n", " "), True),
        (BACKLOG, "Of the order backlog, \u20ac39.4 billion is expected in 2027.", False),
        (BACKLOG, "Of the order backlog, \u20ac39.4 million is expected in 2026.", False),
    ],
)
def test_a_line_may_end_between_a_number_and_its_unit(
    page: str, claim: str, *, is_true: bool
) -> None:
    assert supports(page, claim) == is_true


def test_rows_stay_rows() -> None:
    page = (
        "EUR million 2025 2024\r\nCash flow from operations and from the sale of receivables to "
        "banks 412.0 380.2\r\nNet profit 88.1 71.6"
    )
    answer = attribute("Net profit was 88.1 in 2025.", [source(1, page)])
    assert [one.quote for one in answer.citations] == [
        "Net profit 88.1 71.6",
        "EUR million 2025 2024",
    ]


@pytest.mark.parametrize(
    ("claim", "quote", "agrees"),
    [
        ("at least 5 people", "no fewer than 5 people", True),
        ("5 people or more", "at least 5 people", True),
        ("5 people", "at least 5 people", False),
        ("at most 5 people", "up to 5 people", True),
        ("more than 5 people", "5 people, 2 more than before", False),
        ("about 5 people", "roughly 5 people", True),
        ("5 people", "nearly 5 people", False),
        ("5 days", "within 5 days", True),
        ("after 5 days", "within 5 days", False),
        ("at least 5 units", "the minimum is 5 units", True),
        ("rund 5 Tage", "etwa 5 Tage", True),
        ("5 Tage", "mehr als 5 Tage", False),
    ],
)
def test_a_number_keeps_its_limits(claim: str, quote: str, *, agrees: bool) -> None:
    assert limits_agree(read_claim(claim, "english"), read_quote(quote, "english")) == agrees


@pytest.mark.parametrize(
    "text",
    [
        "On March 5, 2025 (Monday), Kestrel's agent \u2013 Kestrel \u2013 paid $1,204; then: 5%.",
        "thirty (30) days' notice - non-exclusive, \u20ac5\r\nmillion [1]",
        "",
    ],
)
def test_there_is_a_gap_before_every_term_and_one_behind(text: str) -> None:
    assert len(gaps(text, "english")) == len(read_quote(text, "english").terms) + 1
