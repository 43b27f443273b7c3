"""A model that lies: nothing false may pass as supported, and what is true should."""

import itertools
import random
from collections import Counter

import pytest

from aiconvokit.chat.attribution import attribute
from aiconvokit.chat.proof import Attributed
from support.hostile import Attack, attacks, honest
from support.hostile_pages import PAGES, Page
from support.passages import source

SEEDS = (1, 2)
ROUNDS = 2
HONEST_SHARE = 0.95
"""Measured: 171 of 173 (.988). Not found: a synonym ("receive" for "be disclosed to"), and
"$5 million of insurance", where the page has a word between."""


SOURCES = [source(index, page.text, filename=page.name) for index, page in enumerate(PAGES, 1)]
MANY = "".join(f"[{n}]" for n in range(1, 100))
STYLES = (
    "{} [3]",
    "{}[99]",
    "[2] {}",
    "- {} \u30105\u2020source\u3011",
    "1. **{}** [^1]",
    "> {} (2)",
    "{} " + MANY,
    "`{}` [1]",
    "```\n{} [1]\n```",
    "| Statement |\n|---|\n| {} [4] |",
    "According to the document, {} [1-3]",
    "# Result\n{} [\uff11]",
)
TRUE = "The warranty period is six (6) months from delivery."


def supported(answer: Attributed) -> list[str]:
    return [answer.output[claim.start : claim.end] for claim in answer.claims if claim.supported]


def check_citations(answer: Attributed) -> None:
    used = [index for claim in answer.claims for index in claim.citations]
    assert list(dict.fromkeys(used)) == [citation.index for citation in answer.citations]
    for citation in answer.citations:
        text = SOURCES[citation.passage.document_id - 1].page_text
        assert text[citation.start : citation.end] == citation.quote


def false_ones() -> list[Attack]:
    return [attack for seed in SEEDS for attack in attacks(seed, ROUNDS)]


def test_nothing_false_is_supported() -> None:
    produced: Counter[str] = Counter()
    for attack, style in zip(false_ones(), itertools.cycle(STYLES), strict=False):
        answer = attribute(style.format(attack.text), SOURCES)
        assert supported(answer) == [], (attack.kind, style)
        assert answer.citations == ()
        produced[attack.kind] += 1
    assert produced.total() >= 1000
    assert len(produced) == 18


def test_a_true_neighbour_does_not_help_a_false_claim() -> None:
    for attack in false_ones()[::15]:
        answer = attribute(f"{TRUE} [1] {attack.text} [2]\n\n{attack.text}\n{TRUE}", SOURCES)
        assert {text for text in supported(answer) if text != TRUE} <= {TRUE}, attack.kind
        check_citations(answer)


def test_what_is_true_is_supported_and_cited_where_it_stands() -> None:
    rng = random.Random(3)  # noqa: S311  (repeatable, no secret)
    shares: Counter[bool] = Counter()
    for attack in honest():
        answer = attribute(f"{attack.text} [{rng.randint(1, 120)}]", SOURCES)
        check_citations(answer)
        is_supported = all(claim.supported for claim in answer.claims)
        shares[is_supported] += 1
        assert is_supported or attack.kind == "reworded", attack.text
        assert {c.passage.filename for c in answer.citations} <= {attack.page}
    assert shares[True] / shares.total() >= HONEST_SHARE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_was_never_retrieved_is_not_cited(page: Page) -> None:
    others = [one for one in SOURCES if one.passage.filename != page.name]
    for fact in page.facts:
        answer = attribute(f"{fact} [{len(PAGES)}]", others)
        assert supported(answer) == [], fact


@pytest.mark.parametrize(
    "claim",
    [
        "Other comprehensive income was $1,306 thousand in 2025.",
        "Total assets were $241,390.",
        "Earnings per share were EUR 2.14 million in 2025.",
        "Headcount fell by 12,340 in 2025.",
        "The laws of Delaware are governed by this Agreement.",
        "The plant in Gdynia produces 48,000 valves.",
        "The Supplier may terminate this Agreement upon 90 days' written notice.",
        "The Supplier shall n\u043et assign this Agreement.",
        "Net profit was EUR 412.0 million in 2024.",
        "Revenue was 3,120.8 in 2025.",
    ],
)
def test_signs_scales_columns_and_doers_are_kept(claim: str) -> None:
    assert supported(attribute(f"{claim} [1]", SOURCES)) == []


def test_lists_and_tables_are_judged_item_by_item() -> None:
    answer = attribute(
        "| EUR million | 2025 | 2024 |\n|---|---|---|\n"
        "| Revenue | 4,812.4 | 4,375.1 |\n| Net profit | 380.2 | 380.2 [7] |\n\n"
        "- The annual fee is \u00a318,000.\n- The annual fee is \u20ac18,000.",
        SOURCES,
    )
    assert supported(answer) == ["4,812.4", "4,375.1", "380.2", "The annual fee is \u00a318,000."]
    assert "| Net profit | 380.2 | 380.2 [3][2] |" in answer.output
