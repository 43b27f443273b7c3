import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.llm.text import scrub, windows


def test_scrub_leaves_what_utf8_can_hold() -> None:
    assert scrub("a\x00b\ud800c\U0001f600\ufffd") == "abc\U0001f600\ufffd"


@given(st.text(alphabet="ab ", max_size=200), st.integers(1, 9))
def test_windows_lose_nothing(text: str, count: int) -> None:
    cut = windows(text, count)
    assert "".join(cut) == text
    assert len(cut) <= count
    assert all(cut)


@pytest.mark.parametrize("text", ["word " * 400, "x" * 2000])
def test_windows_are_nearly_equal(text: str) -> None:
    lengths = [len(window) for window in windows(text, 4)]
    assert len(lengths) == 4
    assert max(lengths) <= 2000 / 4 * 1.25
    assert not any(window.startswith("ord") for window in windows("word " * 400, 4))
