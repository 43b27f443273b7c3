"""Gold is found in the text as it was read, and a passage hits it or does not."""

import pytest

from aiconvokit.evals.gold import PageTarget, SpanTarget, Target, targets, unit
from aiconvokit.evals.sets import Evidence, Level, SetQuestion
from aiconvokit.retrieval.types import Passage

PAGES = {
    1: "Fees.\n\nPay  the\u00a0fee\nby card. Pay later.",
    2: "Refunds are sent\nwithin ten days. Pay later.",
}
TEXTS = {"fees.txt": PAGES}


def question(
    *evidence: Evidence, gold: tuple[str, ...] = (), is_measured: bool = True
) -> SetQuestion:
    return SetQuestion(
        id="q",
        text="How?",
        history=(),
        document="fees.txt",
        evidence=evidence,
        gold=gold,
        answerable=True,
        pooled_text=None,
        is_pooled=True,
        is_measured=is_measured,
    )


def passage(page: int, start: int, end: int, chunk_id: int = 1) -> Passage:
    place = (page, None, "", start, end)
    return Passage(chunk_id, 1, 1, "fees.txt", *place, "", "", None, 0.5, 0.8, 0.0)


def span(text: str, start: int = 0) -> Target:
    (found,) = targets("span", question(Evidence("fees.txt", None, text, start)), TEXTS)
    return found


def test_a_span_is_found_whatever_became_of_its_white_space() -> None:
    found = span("Pay the fee by\n card.")
    assert isinstance(found, SpanTarget)
    ((page, start, end),) = found.parts
    assert (page, PAGES[1][start:end]) == (1, "Pay  the\u00a0fee\nby card.")


def test_of_several_places_the_nearest_one_is_meant() -> None:
    assert [part[0] for part in span("Pay later.", 24).parts] == [1]  # type: ignore[attr-defined]  # a span
    assert [part[0] for part in span("Pay later.", 80).parts] == [2]  # type: ignore[attr-defined]  # a span


def test_a_span_across_pages_has_a_part_on_each() -> None:
    found = span("Pay later. Refunds are sent")
    assert found.is_hit("fees.txt", passage(2, 0, 16))
    assert not found.is_hit("fees.txt", passage(2, 10, 40))
    assert found.is_touched("fees.txt", 1, 30, 35)


@pytest.mark.parametrize(
    ("place", "hits"),
    [((1, 7, 28), 1), ((1, 0, 18), 1), ((1, 0, 12), 0), ((2, 7, 28), 0)],
)
def test_half_of_a_span_is_enough(place: tuple[int, int, int], hits: int) -> None:
    found = span("Pay the fee by card.")
    assert found.is_hit("fees.txt", passage(*place)) == bool(hits)
    assert not found.is_hit("other.txt", passage(*place))


def test_what_is_not_in_the_text_is_never_hit_but_counts() -> None:
    found = span("Pay by cheque.")
    assert not found.is_hit("fees.txt", passage(1, 0, 40))


def test_pages_and_documents_count_once() -> None:
    twice = question(Evidence("fees.txt", 2, "a", None), Evidence("fees.txt", 2, "b", None))
    assert targets("page", twice, TEXTS) == [PageTarget("fees.txt", 2)]
    named = question(gold=("x", "x", "y"))
    assert len(targets("document", named, TEXTS)) == 2
    assert (
        targets("page", question(Evidence("fees.txt", 2, "a", None), is_measured=False), {}) == []
    )


@pytest.mark.parametrize(("level", "results"), [("document", 1), ("page", 2), ("span", 3)])
def test_passages_of_one_result_are_one(level: Level, results: int) -> None:
    found = [passage(1, 0, 5, 1), passage(1, 5, 9, 2), passage(2, 0, 5, 3)]
    assert len({unit(level, "fees.txt", one) for one in found}) == results
