from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.chunk import chunk_document
from ingestion.chunk.edges import without_edges
from ingestion.chunk.lines import split_lines
from ingestion.chunk.tables import number_density
from ingestion.documents import Chunk, OutlineEntry, Page, ParsedDocument
from ingestion.load import DOCX, MARKDOWN, PDF, TEXT
from ingestion.tokens import count_tokens

_SENTENCE = "The company sold more anvils than in any year before, mostly to one customer."
_PROSE = "\n".join([_SENTENCE] * 9)


def _document(
    *pages: str, media_type: str = PDF, outline: tuple[OutlineEntry, ...] = ()
) -> ParsedDocument:
    numbered = tuple(Page(number, None, text) for number, text in enumerate(pages, 1))
    return ParsedDocument(media_type, "ACME 2024", numbered, outline)


def _chunks(*pages: str, media_type: str = PDF) -> list[Chunk]:
    return chunk_document(_document(*pages, media_type=media_type))


_LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n\x00", exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(
        [
            "", "   ", "\t", "ITEM 7. RISK FACTORS", "NOTE 3", "2.1 Term of Agreement", "# Heading",
            "```", "ASSETS", "Critical Accounting Estimates", "Net sales $ 1,234 $ 5,678 (9)%",
            "Total assets 10 20 30", _SENTENCE, "| a | b |", "Page 7 of 9", "…", "\x85", "\x1f",
        ]
    ),
    st.builds(
        lambda piece, times: piece * times,
        st.sampled_from(["中国人民", "การเงิน", "x", "😀", "e\u0301", "word ", " ", "؟ك", "'"]),
        st.integers(1, 3_000),
    ),
)  # fmt: skip
_TEXTS = st.lists(_LINES, max_size=40).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXTS, min_size=1, max_size=5), st.sampled_from([PDF, MARKDOWN, TEXT, DOCX]))
def test_every_passage_is_a_slice_and_nothing_is_lost(texts: list[str], media_type: str) -> None:
    document = _document(*texts, media_type=media_type)
    chunks = chunk_document(document)
    bodies = [split_lines(text) for text in texts]
    if media_type != DOCX:
        bodies = without_edges(bodies)

    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.page for chunk in chunks] == sorted(chunk.page for chunk in chunks)
    for page, body in zip(document.pages, bodies, strict=True):
        missing = {index for line in body for index in range(line.start, line.end)}
        end = 0
        for chunk in (chunk for chunk in chunks if chunk.page == page.number):
            assert chunk.text == page.text[chunk.start : chunk.end]
            assert chunk.text.strip()
            assert end <= chunk.start
            assert 0 < chunk.tokens == count_tokens(chunk.text) <= 560
            assert count_tokens(chunk.context) <= 64 + 61
            end = chunk.end
            missing.difference_update(range(chunk.start, chunk.end))
        assert all(page.text[index].isspace() for index in missing)


def test_headers_and_footers_are_left_out() -> None:
    chunks = _chunks(
        *(
            f"ACME Inc. Annual Report\nOn page {name} we speak of {name}.\nPage {number}\niv"
            for number, name in enumerate(["anvils", "rockets", "paint", "magnets"], 41)
        )
    )
    assert [chunk.text for chunk in chunks][1] == "On page rockets we speak of rockets."
    assert not any("ACME Inc." in chunk.text or "Page 4" in chunk.text for chunk in chunks)


def test_two_pages_that_begin_alike_are_no_pattern() -> None:
    assert len(_chunks("Same line\nfirst text", "Same line\nsecond text")[0].text.split("\n")) == 2


def test_a_document_of_nothing_but_repetition_is_still_found() -> None:
    assert len(_chunks(*["Form 17"] * 5)) == 5


def test_headings_make_a_path_that_is_carried_over_pages() -> None:
    anvils, paint, glue = (_PROSE.replace("anvils", word) for word in ("anvils", "paint", "glue"))
    first = f"ITEM 7. DISCUSSION AND ANALYSIS\n{anvils}\nLIQUIDITY AND CAPITAL\n{anvils}"
    second = f"{paint}\nCash Flow Activities\n{paint}\nITEM 8. FINANCIAL STATEMENTS\n{paint}"
    third = f"{glue}\nARTICLE IV\nPAYMENT TERMS\n{glue}"
    item7, item8 = "ITEM 7. DISCUSSION AND ANALYSIS", "ITEM 8. FINANCIAL STATEMENTS"
    assert [chunk.heading for chunk in _chunks(first, second, third)] == [
        item7,
        f"{item7} > LIQUIDITY AND CAPITAL",
        f"{item7} > LIQUIDITY AND CAPITAL",
        f"{item7} > LIQUIDITY AND CAPITAL > Cash Flow Activities",
        item8,
        item8,
        "ARTICLE IV PAYMENT TERMS",
    ]


def test_a_statement_goes_by_its_own_name() -> None:
    rows = "\n".join(f"Sales of product {number} $ {number},000 $ 7{number}" for number in range(9))
    income = f"CONSOLIDATED STATEMENTS OF INCOME\n(in millions)\n{rows}"
    balance = f"(continued)\nCONSOLIDATED BALANCE SHEETS\n2024 2023\nASSETS\n{rows}"
    assert [chunk.heading for chunk in _chunks(income, balance)] == [
        "CONSOLIDATED STATEMENTS OF INCOME",
        "CONSOLIDATED BALANCE SHEETS",
    ]


def test_what_is_no_heading() -> None:
    shouted = "\n".join(["THE SELLER DISCLAIMS ALL WARRANTIES OF ANY KIND"] * 6)
    contents = "Item 1. Business 4\nItem 2. Properties 17\nItem 3. Legal Proceedings 18"
    wrapped = "the services are provided by\nAmazon Web Services\nunder a contract."
    address = "Attention: Chief Financial Officer\nSend all notices there."
    for text in (shouted, contents, wrapped, address):
        assert {chunk.heading for chunk in _chunks(text)} == {""}


def test_markdown_headings_count_and_code_does_not() -> None:
    source = (
        f"# Guide\n\n{_PROSE}\n\n## Install ##\n\n```\n# not a heading\n```\n{_PROSE}\nLOUD WORDS"
    )
    assert [chunk.heading for chunk in _chunks(source, media_type=MARKDOWN)] == [
        "Guide",
        "Guide > Install",
    ]


def test_the_files_own_outline_stands_above_guesses() -> None:
    outline = (
        OutlineEntry(1, "ACME 10-K", 1),
        OutlineEntry(2, "Part Two", 1),
        OutlineEntry(3, "Risks we take every day of the year", 1),
        OutlineEntry(2, "Not printed anywhere", 2),
    )
    first = f"Part two\n{_PROSE}\nRisks we take every\nday of the year\n{_PROSE}"
    chunks = chunk_document(_document(first, f"NET SALES\n{_PROSE}", outline=outline))
    assert [chunk.heading for chunk in chunks] == [
        "Part Two",
        "Part Two > Risks we take every day of the year",
        "Not printed anywhere > NET SALES",
    ]


def test_a_table_stays_whole_and_a_huge_one_is_cut_by_rows() -> None:
    def row(number: int) -> str:
        return f"Net sales of region number {number} $ {number},111 $ 2,222"

    whole = "\n".join(map(row, range(28)))
    chunks = _chunks(f"{_PROSE}\n{_PROSE}\n{whole}")
    assert chunks[-1].text == whole
    assert chunks[-1].tokens > 350
    huge = _chunks("\n".join(map(row, range(200))))
    assert len(huge) > 5
    assert all(line.startswith("Net sales") for chunk in huge for line in chunk.text.split("\n"))


def test_a_short_tail_joins_the_passage_before() -> None:
    chunks = _chunks("\n".join([_SENTENCE] * 24))
    assert len(chunks) == 1
    assert chunks[0].tokens > 350


def test_a_passage_ends_with_a_sentence_where_it_can() -> None:
    text = "\n".join(["and so on, without an end in sight, for one line more,"] * 60)
    lines = text.split("\n")
    lines[22] = "until it ends."
    assert _chunks("\n".join(lines))[0].text.endswith("until it ends.")


def test_a_paragraph_in_one_line_is_cut_at_sentences() -> None:
    chunks = _chunks(" ".join([_SENTENCE] * 100), media_type=TEXT)
    assert len(chunks) > 3
    assert all(chunk.text.startswith("The company") for chunk in chunks)
    assert all(chunk.text.endswith("customer.") for chunk in chunks)


def test_number_density_is_that_of_the_recipe() -> None:
    assert number_density("") == 0
    assert number_density("Net sales rose in all regions of the world") == 0
    assert number_density("Net sales $ 177,866 (3)% — 12.5%") == 1
    assert number_density("Net sales were 12 in that one year") == 2 * 1 / 8


def test_long_headings_leave_room_for_the_nearest() -> None:
    headings = "\n\n".join(f"{'#' * level} {'chapter ' * 9}{level}" for level in range(1, 7))
    chunks = _chunks(f"{headings}\n\nText.", media_type=MARKDOWN)
    assert chunks[-1].context.startswith("ACME 2024 > ")
    assert chunks[-1].context.endswith("chapter 6")
    assert count_tokens(chunks[-1].context) <= 64
