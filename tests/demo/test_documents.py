"""The sample documents: their figures tie, they are what the script draws, and can be asked."""

import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped] # ships no types
import pytest
from pypdf import PdfReader

from aiconvokit.demo.questions import AGREEMENT, QUESTIONS, REPORT, DemoQuestion
from aiconvokit.demo.render.documents import DOCUMENTS, TEXTS, write_all
from aiconvokit.demo.render.figures import GROUPS, accounts
from aiconvokit.demo.render.layout import FRONT_PAGES
from aiconvokit.demo.render.markup import TableBlock, blocks
from aiconvokit.demo.render.series import YEARS, Series, total

BOTH = (REPORT, AGREEMENT)
STALE = "the committed PDFs are not what the script draws: run `make demo-documents`"


def pages_of(name: str) -> list[str]:
    """The text of each page with single spaces."""
    document = pypdfium2.PdfDocument(DOCUMENTS / name)
    try:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]
    finally:
        document.close()


@pytest.fixture(scope="module")
def texts() -> dict[str, list[str]]:
    return {name: pages_of(name) for name in BOTH}


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("assets", "equity liabilities"),
        ("revenue", "segment.*.revenue"),
        ("revenue", "region.netherlands region.germany region.nordics region.britain region.rest"),
        ("revenue", "revenue.at_once revenue.projects revenue.maintenance"),
        ("profit", "owners_profit nci_profit"),
        ("comprehensive", "profit oci"),
        ("capex", "segment.*.capex capex.unallocated"),
        ("cash", "cash.open cf.operating cf.investing cf.financing cf.fx"),
        ("net_debt", "nd.open -free_cash_flow nd.investing nd.shareholders nd.leases nd.other"),
        ("net_debt", "debt lease -cash"),
        ("operating_profit", "adjusted_ebita -acquired_amortisation -restructuring_cost"),
        ("dt.close", "dt.asset -dt.liability"),
        ("allowance", "allowance.open allowance.added allowance.used"),
        ("provision.total.close", "provisions.current provisions.later"),
        ("lease", "lease.due lease.discount"),
        ("acquired.price", "acquired.net_assets goodwill.total.acquired"),
        ("soce.total.close", "equity"),
    ],
)
def test_the_figures_tie(whole: str, parts: str) -> None:
    book = accounts()
    summed = total(_signed(name) for part in parts.split() for name in _expanded(part))
    years = [year for year in YEARS if year in summed]
    assert years
    assert [summed[year] for year in years] == [book[whole][year] for year in years]


def _expanded(name: str) -> list[str]:
    group, star, measure = name.partition(".*.")
    return [f"{group}.{part}.{measure}" for part in GROUPS[group]] if star else [name]


def _signed(name: str) -> Series:
    line = accounts()[name.removeprefix("-")]
    return -line if name.startswith("-") else line


@pytest.mark.parametrize("column", [*GROUPS["soce"], "total"])
def test_equity_moves_from_its_opening_to_its_closing(column: str) -> None:
    movements = ["open", "profit", "oci", "dividends", "bought", "share_based", "delivered"]
    book = accounts()
    moved = total(book[f"soce.{column}.{name}"] for name in movements)
    assert moved == {year: book[f"soce.{column}.close"][year] for year in YEARS}


def test_earnings_per_share_are_profit_by_shares() -> None:
    book = accounts()
    for year in YEARS:
        euros = book["owners_profit"][year] / book["shares.weighted"][year]
        assert book["eps.basic"][year] == round(100 * euros)
        assert book["eps.diluted"][year] <= book["eps.basic"][year]


def test_totals_in_printed_tables_are_the_sum_of_the_rows_above() -> None:
    checked = 0
    for table in _summing_tables():
        for column in range(1, len(table.rows[0].cells)):
            values = [_value(row.cells[column]) for row in table.rows[1:]]
            if None in values:
                continue
            *parts, printed = (value for value in values if value is not None)
            assert sum(parts) == pytest.approx(printed), (table.title, column)
            checked += 1
    assert checked > 60


def _summing_tables() -> Iterator[TableBlock]:
    """The tables whose only total is their last row, so that it sums what stands above it."""
    written = (block for path in TEXTS.rglob("*.md") for block in blocks(path.read_text("utf-8")))
    for table in written:
        if not isinstance(table, TableBlock):
            continue
        kinds = [row.kind for row in table.rows]
        if kinds.count("total") == 1 and kinds[-1] == "total" and "group" not in kinds:
            yield table


def _value(cell: str) -> float | None:
    digits = cell.replace(",", "").replace("\N{EN DASH}", "0")
    if match := re.fullmatch(r"\((\d+)\)", digits):
        return -float(match[1])
    return float(digits) if re.fullmatch(r"\d+", digits) else None


def test_texts_use_only_letters_that_the_standard_fonts_have() -> None:
    for path in TEXTS.rglob("*.md"):
        path.read_text("utf-8").encode("cp1252")


def test_committed_documents_are_what_the_script_draws(tmp_path: Path) -> None:
    write_all(tmp_path)
    for name in BOTH:
        # Bytes differ where Python is built with another zlib; what they unpack to does not.
        assert _unpacked(DOCUMENTS / name) == _unpacked(tmp_path / name), STALE


def _unpacked(path: Path) -> list[object]:
    reader = PdfReader(path)
    contents = [page.get_contents() for page in reader.pages]
    drawn: list[object] = [content.get_data() for content in contents if content is not None]
    return [*drawn, reader.metadata, reader.page_labels, _outline(reader)]


def _outline(reader: PdfReader) -> list[str]:
    def titles(entries: list[object]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, list):
                yield from titles(entry)
            else:
                yield str(getattr(entry, "title", None))

    return list(titles(list(reader.outline)))


def test_documents_are_small_enough_to_ship() -> None:
    assert sum((DOCUMENTS / name).stat().st_size for name in BOTH) < 400_000


def test_pages_carry_their_labels_and_bookmarks(texts: dict[str, list[str]]) -> None:
    reader = PdfReader(DOCUMENTS / REPORT)
    labels = list(reader.page_labels)
    assert labels[: len(FRONT_PAGES) + 2] == [*FRONT_PAGES, "1", "2"]
    for label, text in list(zip(labels, texts[REPORT], strict=True))[1:]:
        assert "Harrowmere Thermal N.V. " + label in text
    assert texts[REPORT][len(FRONT_PAGES)].startswith("Letter to shareholders")
    outline = _outline(reader)
    assert {"Strategy", "Consolidated balance sheet", "Note 20 Borrowings"} <= set(outline)
    assert "15. Termination" in _outline(PdfReader(DOCUMENTS / AGREEMENT))


def test_no_reference_to_a_figure_was_left_in_the_text(texts: dict[str, list[str]]) -> None:
    for pages in texts.values():
        assert not [text for text in pages if "{" in text or "=" in text or "@" in text[:40]]


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.page], ids=lambda q: q.text)
def test_answers_stand_on_one_page_of_one_document(
    question: DemoQuestion, texts: dict[str, list[str]]
) -> None:
    found = [
        (name, number)
        for name, pages in texts.items()
        for number, text in enumerate(pages, start=1)
        if question.expect in text
    ]
    assert found == [(question.document, question.page)]


def test_the_demo_ends_with_what_the_documents_cannot_answer(texts: dict[str, list[str]]) -> None:
    *answered, last = QUESTIONS
    assert [question.follow_up for question in answered] == [False, False, False, True]
    assert (last.document, last.page) == (None, None)
    everything = " ".join(text for pages in texts.values() for text in pages).lower()
    assert not [word for word in ("paternity", "parental", "fathers") if word in everything]
