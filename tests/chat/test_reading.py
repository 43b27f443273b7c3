"""What a text is read as, and what is known of it without reading it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat import numbers, reading
from aiconvokit.chat.numbers import may_have_year, quoted_numbers
from aiconvokit.chat.reading import likely_keys, read_quote
from aiconvokit.retrieval.lexemes import content_stems
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


NUMBERED = st.sampled_from(
    [
        "US$ ", "-", "\u2212", "(", ")", "EUR", "hk$-5", " ", "1", "20", "25", "019", ",", ".", "'",
        "\u00a0", "\u4eba\u6c11\u5e01", "Mio. ", "%", "\u0662", "\uff11", "nine hundred",
        "\u5e74", "/",
    ]
)  # fmt: skip


@given(st.lists(NUMBERED | st.text(max_size=3), max_size=12).map("".join))
def test_numbers_are_tried_where_they_begin_and_none_is_missed(text: str) -> None:
    found = [match.span() for match in numbers._matches(text)]
    assert found == [match.span() for match in numbers._NUMBER.finditer(text)]


@given(st.lists(NUMBERED | st.text(max_size=3), max_size=12).map("".join))
def test_no_year_is_missed_without_reading_the_numbers(text: str) -> None:
    assert may_have_year(text) or not any(number.as_year for number in quoted_numbers(text))


@pytest.mark.parametrize(
    "text", ["EUR 2025", "2,025", "2 025", "FY1999", "01.02.2024", "\uff12025"]
)
def test_a_year_may_be_a_year(text: str) -> None:
    assert may_have_year(text)
    assert not may_have_year("Revenue 3 4,812.4 4,375.6")


def test_keys_begin_again_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KEY_CACHE", 3)
    keys = reading._Keys("english")
    words = ["payments", "the", "houses", "suppliers", "relational", "percent"]
    assert [keys[word] for word in words] == ["pay", "", "hous", "supplier", "relat", ""]
    assert len(keys) <= reading.KEY_CACHE
    assert keys["x" * 1_000] == "x" * 1_000
    assert all(len(word) <= reading.MAX_WORD for word in keys)


def test_threads_do_not_stem_each_others_words() -> None:
    texts = [f"{word} " * 2_000 for word in ("houses", "relational", "running", "agreements")]
    with ThreadPoolExecutor(len(texts)) as threads:
        found = list(threads.map(lambda text: set(content_stems(text, "english")), texts))
    assert found == [{"hous"}, {"relat"}, {"run"}, {"agreement"}]
