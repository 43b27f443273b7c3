"""Words and the ends of sentences: found quickly, they are what plain expressions find."""

import re

from hypothesis import given
from hypothesis import strategies as st

from aiconvokit.chat.sentences import _STOP
from ingestion.language import UNSEGMENTED_RUN, is_partly_unsegmented, letters, words

WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
STOP = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]++[\"'\u2019\u201d\u00bb)\]]*+(?=\s|$)"
    r"|[\u3002\uff01\uff1f\uff61\u0964\u061f\u06d4]+[\"'\u2019\u201d\u300d\u300f\uff09\u3011]*"
)
SIGNS = [
    "the", "Buyer's", "d'un", "''", "'", "\u2019", "\u039f\u03a3", "\u0130", "Stra\u00dfe", "_",
    "M\u00c4RZ", "7", "\u00b2", " ", ".", "!", "?\u2026", "\u3002", "\uff01", ")", "\u201d", "\n",
    "\u00a0", "\u8d39\u7528", "\u0e3f", "caf\u00e9\u2019s", "\ud83d",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(SIGNS) | st.text(max_size=4), max_size=14).map("".join)


@given(TEXTS)
def test_words_are_the_runs_of_letters_with_apostrophes_between(text: str) -> None:
    assert sorted(words(text)) == sorted(found.lower() for found in WORD.findall(text))


@given(TEXTS)
def test_letters_are_words_parted_at_apostrophes(text: str) -> None:
    assert sorted(letters(text)) == sorted(w.lower() for w in re.findall(r"[^\W\d_]+", text))


@given(TEXTS)
def test_no_script_without_spaces_is_missed(text: str) -> None:
    assert is_partly_unsegmented(text) == bool(UNSEGMENTED_RUN.search(text))


@given(TEXTS)
def test_a_stop_is_one_of_either_kind(text: str) -> None:
    assert [m.span() for m in _STOP.finditer(text)] == [m.span() for m in STOP.finditer(text)]
