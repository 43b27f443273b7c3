"""What a text is read as, and what is known of it without reading it."""

from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat.reading import likely_keys, read_quote
from support.hostile_pages import PAGES

PARTS = st.sampled_from(
    [
        "thirty (30) days' notice ", "non-exclusive ", "US$5 million ", "C$5 ", "5 days's ", "one ",
        "year-end ", "a hundred ", "the Buyer\u2019s ", "M\u00e4rz 2025 ", "5th of May, 2024 ",
        "\ufb01ve ", "5km ", "10 Mio. EUR ", "\u8d39\u7528 ", "per cent ", "3.5% ", "six-month ",
        "\n", "Non\u2010binding ",
    ]
)  # fmt: skip
LANGUAGES = st.sampled_from(["english", "german", "simple", None])


@given(st.lists(PARTS | st.text(max_size=6), max_size=8).map("".join), LANGUAGES)
def test_no_key_of_a_text_is_missed_without_reading_it(text: str, language: str | None) -> None:
    likely = likely_keys(text, language)
    assert likely is None or read_quote(text, language).keys <= likely


def test_no_key_of_a_line_is_missed_in_its_page() -> None:
    found = [(page.text, likely_keys(page.text, "english")) for page in PAGES]
    known = [(text, likely) for text, likely in found if likely is not None]
    assert len(known) > len(PAGES) / 2
    for text, likely in known:
        for line in text.splitlines():
            assert read_quote(line, "english").keys <= likely
