import subprocess
import sys

import pytest

from ingestion.tokens import PIECE_CHARS, count_each, count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("<|endoftext|>", 7),
        ("Der schnelle braune Fuchs springt über den faulen Hund.", 14),
        ("净利润同比增长百分之十二", 7),
        ("$ 1,234.56", 7),
    ],
)
def test_counts_are_those_of_o200k_base(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_long_runs_neither_fail_nor_take_long() -> None:
    assert count_tokens(" " * 1_000_000) < 20_000  # whole, this overflows the encoder's stack
    assert count_tokens("a" * 1_000_000) == 125_000


def test_cutting_a_long_text_barely_moves_its_count() -> None:
    words = "net income per share " * (PIECE_CHARS // 10)
    assert abs(count_tokens(words) - len(words.split())) <= 3


def test_many_texts_are_counted_alone() -> None:
    assert count_each(["hello", "hello world"]) == [1, 2]


def test_the_binary_of_the_ranks_package_stays_unloaded() -> None:
    code = (
        "import sys; from ingestion.tokens import count_tokens; count_tokens('a');"
        "sys.exit('bpe_openai' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - ours
