from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.llm.think import ThinkFilter


def filtered(pieces: list[str], *, opened: bool = False) -> str:
    """What a consumer holds at the end who drops everything when something was taken back."""
    think = ThinkFilter(opened=opened)
    kept: list[str] = []
    for piece in pieces:
        before = think.took_back
        text = think.feed(piece)
        if think.took_back and not before:
            kept.clear()
        kept.append(text)
    return "".join([*kept, think.end()])


ANSWERS = [
    ("", ""),
    ("plain", "plain"),
    ("  plain ", "plain "),
    ("<think>a</think>b", "b"),
    (" \n<think>a < b</th </think>\n\nb", "b"),
    ("<think>a</think> <think>b</think>c", "c"),
    ("<think>never closed", ""),
    ("a</think>\nb", "b"),
    ("a</think><think>b</think>c", "c"),
    ("the tag <think> and </think> of it", "the tag <think> and </think> of it"),
    ("<think>a</think>then </think> stays", "then </think> stays"),
    ("ends with <thi", "ends with <thi"),
    ("<thi", "<thi"),
    ("1 < 2 </ 3", "1 < 2 </ 3"),
]


@pytest.mark.parametrize(("said", "answer"), ANSWERS)
@given(data=st.data())
def test_however_it_is_cut(said: str, answer: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(said)))))
    bounds = [0, *cuts, len(said)]
    pieces = [said[start:end] for start, end in pairwise(bounds)]
    assert filtered(pieces) == answer


@pytest.mark.parametrize("said", ["a</think>b", "<think>a</think>b", "b"])
def test_a_model_known_to_open_in_its_prompt(said: str) -> None:
    think = ThinkFilter(opened=True)
    assert "".join([think.feed(letter) for letter in said] + [think.end()]) == "b"
    assert not think.took_back
