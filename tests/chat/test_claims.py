import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat.claims import split_claims
from aiconvokit.chat.units import split_units


def claims_of(text: str) -> list[str]:
    return [text[one.span.start : one.span.end] for one in split_claims(text)]


def units_of(text: str) -> list[tuple[str, bool]]:
    return [(text[unit.start : unit.end], unit.is_row) for unit in split_units(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rose by 3.5 % to 4.2 million. Costs fell.", 2),
        ("See No. 5 and Art. 7 of the Act, e.g. for Dr. J. P. Morgan.", 1),
        ("Acme Inc. Holdings pays. The U.S. Bank lends.", 2),
        ("It was signed by Acme Inc. The term is five years.", 2),
        ("He asked: really?! Yes. (So he said.) End", 4),
        ("収入は4.2億です。費用は減りました\uff01終わり。", 3),
        ("Am 3. Mai galt z.B. Nr. 5. Danach nicht.", 2),
    ],
)
def test_sentences(text: str, expected: int) -> None:
    assert len(claims_of(text)) == expected


def test_items_and_rows_are_claims_and_headings_and_code_are_not() -> None:
    answer = (
        "# Result\n\nRevenue rose,\nas planned. Costs fell.\n"
        "- first item\n  goes on\n1. second item\n\n"
        "| Item | 2025 |\n|---|---|\n| Revenue | 4.2 |\n| Costs | 3.1 |\n\n"
        "```\nno claim. at all.\n```\nUse `a. b` here."
    )
    assert claims_of(answer) == [
        "Revenue rose,\nas planned.",
        "Costs fell.",
        "first item\n  goes on",
        "second item",
        "4.2",
        "3.1",
        "Use `a. b` here.",
    ]


def test_a_page_gives_sentences_across_lines_and_rows() -> None:
    sentence = (
        "Revenue rose as of December 31, 2025 because wholesalers bought again and\r\n"
        "because the plant in Kaunas worked in two shifts."
    )
    page = (
        "Consolidated income statement\r\n\u20ac thousand Note 2025 2024\r\n"
        "Revenue 4 632,350 581,110\r\nProfit\r\n38,829\r\n17,517\r\n"
        "Total cash, cash equivalents, and marketable securities $ 30,986\r\n"
        f"{sentence} No dividend was paid\r\nin 2024.\r\n"
    )
    assert units_of(page) == [
        ("Consolidated income statement", False),
        ("€ thousand Note 2025 2024", True),
        ("Revenue 4 632,350 581,110", True),
        ("Profit\r\n38,829\r\n17,517", True),
        ("Total cash, cash equivalents, and marketable securities $ 30,986", True),
        (sentence, False),
        ("No dividend was paid\r\nin 2024.", False),
    ]


@given(st.text(max_size=300))
def test_spans_are_in_order_apart_and_trimmed(text: str) -> None:
    claims = [(one.span.start, one.span.end) for one in split_claims(text)]
    units = [(unit.start, unit.end) for unit in split_units(text)]
    for spans in (claims, units):
        ends = [0, *(end for _, end in spans)]
        assert all(before <= start < end for before, (start, end) in zip(ends, spans, strict=False))
        assert all(text[start:end] == text[start:end].strip() for start, end in spans)


@given(st.text(max_size=300))
def test_units_leave_out_nothing_but_white_space(text: str) -> None:
    kept = "".join(text[unit.start : unit.end] for unit in split_units(text))
    assert "".join(kept.split()) == "".join(text.split())
