import pytest

from ingestion.chunk import chunk_document
from ingestion.cutting import Cutting
from ingestion.documents import Chunk, Page, ParsedDocument
from ingestion.load import CSV, MARKDOWN, PDF, XLSX
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.tokens import count_tokens

HEADER = "| Region | Net sales |"
ROWS = "\n".join(f"| Region number {number} | EUR {number},111.00 |" for number in range(120))
LINES = "\n".join(
    f"Net sales of region number {number} $ {number},111 $ 2,222" for number in range(99)
)
PROSE = "The company sold more anvils than in any year before, mostly to one customer.\n" * 20


def _chunks(
    *pages: Page | str, media_type: str = XLSX, cutting: Cutting | None = None
) -> list[Chunk]:
    numbered = [
        page if isinstance(page, Page) else Page(number, None, page)
        for number, page in enumerate(pages, 1)
    ]
    document = ParsedDocument(media_type, "ACME 2024", tuple(numbered))
    chunks = chunk_document(document, cutting)
    for chunk in chunks:
        assert chunk.text == numbered[chunk.page - 1].text[chunk.start : chunk.end]
    return chunks


@pytest.mark.parametrize("cutting", [None, Cutting(200, 50)])
@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "| Germany | |\n| Region | Net sales |",
        "| Region | Net sales |\n| --- | ---: |",
        "| Region | 2024 |",
    ],
)
def test_passages_in_the_middle_of_a_table_know_its_header(
    header: str, cutting: Cutting | None
) -> None:
    first, *others = _chunks(f"{header}\n{ROWS}\n\n{PROSE}", cutting=cutting)
    assert first.text.startswith(header)
    assert first.context == "ACME 2024"
    inside = [chunk for chunk in others if chunk.text.startswith("|")]
    assert len(inside) > 3
    for chunk in inside:
        assert chunk.context == f"ACME 2024\n{header}"
        assert header not in chunk.text
        assert chunk.embedded_text == f"ACME 2024\n{header}\n{chunk.text}"
    assert others[-1].context == "ACME 2024"


def test_a_table_that_is_whole_repeats_nothing() -> None:
    rows = "\n".join(ROWS.split("\n")[:5])
    text = f"{HEADER}\n{rows}\n\n{PROSE}\n| Name | Fee |\n{rows}"
    assert {chunk.context for chunk in _chunks(text)} == {"ACME 2024"}


def test_amounts_below_years_know_the_years() -> None:
    chunks = _chunks(f"Sales\nDecember 31, 2024 2023\n{LINES}", media_type=PDF)
    assert len(chunks) > 3
    contexts = {chunk.context.partition("\n")[2] for chunk in chunks[1:]}
    assert contexts == {"December 31, 2024 2023"}


def test_rows_without_a_header_have_none() -> None:
    for text in (LINES, ROWS):
        assert {chunk.context.partition("\n")[2] for chunk in _chunks(text)} == {""}


def test_a_long_sheet_goes_on_with_its_header_and_the_next_one_has_its_own() -> None:
    pages = [
        Page(1, "Sales", f"{HEADER}\n{ROWS}"),
        Page(2, "Sales (2)", ROWS),
        Page(3, "Sales (3)", ROWS),
        Page(4, "Costs", ROWS),
    ]
    chunks = _chunks(*pages)
    for page, header in ((2, HEADER), (3, HEADER), (4, "")):
        found = {chunk.context.partition("\n")[2] for chunk in chunks if chunk.page == page}
        assert found == {header}


def test_a_long_csv_knows_its_header_on_every_page() -> None:
    source = "name,city\n" + "".join(f"Person {number},Town {number}\n" for number in range(9_000))
    document = parse(source.encode(), CSV, "people.csv", Limits())
    assert len(document.pages) > 3
    chunks = chunk_document(document)
    assert {chunk.context for chunk in chunks[1:]} == {"people\n| name | city |"}


def test_a_long_header_is_clipped() -> None:
    header = f"| {' | '.join(f'Column {chr(97 + index % 26)}' for index in range(100))} |"
    chunks = _chunks(f"{header}\n{ROWS}", media_type=MARKDOWN)
    assert all(count_tokens(chunk.context) < 70 for chunk in chunks)
    assert "| Column a | Column b |" in chunks[-1].context
