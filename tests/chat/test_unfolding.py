"""Answers that are proven while they come: cut anywhere, they are the answer proven as a whole."""

import itertools
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aiconvokit.chat.attribution import MAX_ANSWER, attribute
from aiconvokit.chat.claims import Splitter, Stated, split_claims
from aiconvokit.chat.markdown import code_spans
from aiconvokit.chat.marks import MARK, without_marks
from aiconvokit.chat.proof import Attributed, Citation, Source
from aiconvokit.chat.similarity import SUPPORT_FROM
from aiconvokit.chat.unfolding import Unfolding
from aiconvokit.chat.unmarking import MAX_HELD, Unmarker
from aiconvokit.errors import UpstreamFailed
from support.hostile import attacks, honest
from support.hostile_pages import PAGES
from support.passages import source

SOURCES = [source(index, page.text, filename=page.name) for index, page in enumerate(PAGES, 1)]
FACTS = [attack.text for attack in honest()]
FALSE = [attack.text for attack in attacks(1, 1)]
MODEL = next(iter(SUPPORT_FROM))
TABLE = (
    "| EUR million | 2025 | 2024 |\n|---|---|---|\n"
    "| Revenue | 4,812.4 | 4,375.1 |\n| Net profit | 380.2 | 380.2 [7] |\n"
)
ORDINARY = (
    "Revenue rose. ", "Costs fell e.g. in ", "the U.S. Bank ", "[1]", " [2]", " [1, 2]", "[^3]",
    " \u30101\u2020source\u3011", "[Source 2].", "[1](#ref-1)", " `a[1]. b` ", "\n", "\n\n", "\n- ",
    "\n1. ", "\n> ", "\n# Title\n", "\n| a | 5 [1] |\n", "\n|---|---|\n", "\n```\na[1].\n```\n",
    ".", "\u8d39\u7528\u51cf\u5c11\u3002", "!", " (a) ", "[2024]", "No. 5 ", " is", "\t", "\r\n",
)  # fmt: skip
HARD = (
    *ORDINARY, "[", "]", "[1", "1]", "[so", "urce 2]", "(", "(1", "(2)", "`", "``", "```", "~~~\n",
    "\u2020", "\u3010", ",", "#", "|", "-", "$", " ",
)  # fmt: skip
ANSWERS = st.lists(st.sampled_from(ORDINARY), max_size=14).map("".join)
WILD = st.lists(st.sampled_from(HARD) | st.text(max_size=8), max_size=14).map("".join)


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    """The text in pieces of these lengths, over and over."""
    found: list[str] = []
    lengths = itertools.cycle(cuts)
    while text:
        length = next(lengths)
        found.append(text[:length])
        text = text[length:]
    return found


async def no_vectors(claims: Sequence[str], quotes: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError((claims, quotes))


async def unfold(
    parts: Sequence[str], sources: Sequence[Source] = SOURCES, question: str = ""
) -> Attributed:
    """The answer out of its parts; what was given out is always what `so_far` says."""
    unfolding = Unfolding(sources, question, model="none", compare=no_vectors)
    output, citations = "", list[Citation]()
    for part in [*parts, None]:
        released = await (unfolding.finish() if part is None else unfolding.feed(part))
        output += released.text
        citations += released.citations
        so_far = unfolding.so_far()
        assert so_far.output == output
        assert list(so_far.citations) == citations
    return unfolding.so_far()


def answers() -> list[str]:
    joints = (
        " ",
        "\n",
        "\n\n",
        "\n- ",
        " [2] ",
        " [1]\n\n- ",
        "\n1. ",
        " However, ",
        "\n\n" + TABLE,
    )
    texts = [f"{TABLE}\n- The annual fee is \u00a318,000.", "Hello!", "```\nx[1]\n```\n", "[4]", ""]
    mixed = itertools.cycle(FALSE[::9])
    for at in range(0, len(FACTS) - 4, 4):
        joint = joints[at // 4 % len(joints)]
        texts.append(f"{joint.join([*FACTS[at : at + 4], next(mixed)])}{joint}")
    return texts


@pytest.mark.parametrize("cuts", [(100_000,), (1,), (4,), (2, 7, 1, 13)])
async def test_wherever_it_is_cut_it_is_the_answer_proven_as_a_whole(cuts: Sequence[int]) -> None:
    cited = 0
    for answer in answers():
        whole = attribute(answer, SOURCES)
        assert await unfold(pieces(answer, cuts)) == whole, answer
        cited += len(whole.citations)
    assert cited > len(FACTS) / 2


async def test_words_come_as_they_are_said_and_marks_behind_each_claim() -> None:
    answer = (
        "Here it is: The warranty period is six (6) months from delivery [3]. "
        "The plant makes pies [1]. More is not known.\n"
    )
    unfolding = Unfolding(SOURCES, "", model="none", compare=no_vectors)
    texts = [(await unfolding.feed(part)).text for part in re.findall(r"\s*\S+", answer)]
    assert texts[:5] == ["Here", " it", " is:", " The", " warranty"]
    assert texts[texts.index(" delivery") + 1 :] == [
        ".", "", " [1] The plant", " makes", " pies", ".", "", " More is", " not", " known.",
    ]  # fmt: skip
    last = await unfolding.finish()
    assert (last.text, last.citations) == ("", ())


async def test_an_interrupted_answer_is_what_was_given_out() -> None:
    fact = "The warranty period is six (6) months from delivery."
    unfolding = Unfolding(SOURCES, "", model="none", compare=no_vectors)
    given = [await unfolding.feed(part) for part in pieces(f"{fact} And then [1", (3,))]
    so_far = unfolding.so_far()
    assert so_far.output == "".join(one.text for one in given) == f"{fact} [1] And then"
    assert [so_far.output[one.start : one.end] for one in so_far.claims] == [fact]
    assert [one.index for one in so_far.citations] == [1]


@pytest.mark.parametrize(
    ("answer", "supported"), [("30 days", True), ("30 days\n", True), ("30 days\n\nMore.", False)]
)
async def test_a_word_answers_the_question_when_nothing_else_is_said(
    answer: str, *, supported: bool
) -> None:
    page = "Either party may terminate this Agreement upon thirty (30) days notice."
    question = "How many days notice does a party need to terminate?"
    found = await unfold(list(answer), [source(1, page)], question)
    assert found == attribute(answer, [source(1, page)], question)
    assert found.claims[0].supported == supported


@pytest.mark.parametrize("kind", ["near", "far", "failed", "unknown model"])
async def test_vectors_decide_about_another_language(kind: str) -> None:
    async def compare(claims: Sequence[str], quotes: Sequence[str]) -> NDArray[np.float32]:
        if kind == "failed":
            raise UpstreamFailed("no", code="upstream_unavailable", status=503)
        cosine = SUPPORT_FROM[MODEL] + (0.01 if kind == "near" else -0.01)
        return np.full((len(claims), len(quotes)), cosine, dtype=np.float32)

    model = "another" if kind == "unknown model" else MODEL
    page = "The tenant shall pay the landlord a monthly rent of EUR 2,450."
    unfolding = Unfolding([source(1, page)], "", model=model, compare=compare)
    claim = "Der Mieter zahlt dem Vermieter eine monatliche Miete von 2.450 EUR."
    first = await unfolding.feed(f"{claim} Das ist alles")
    await unfolding.finish()
    supported = kind == "near"
    assert len(first.citations) == supported
    assert unfolding.so_far().claims[0].supported == supported
    assert unfolding.so_far().claims[0].reason == ("similarity" if supported else "no_match")


def split(parts: Sequence[str]) -> list[Stated]:
    """The claims of a text that comes in parts; none ends in front of what was `sure`."""
    splitter, found, held = Splitter(), list[Stated](), ""
    for part in parts:
        held += part
        given = held.rstrip()
        held = held[len(given) :]
        before = splitter.sure
        new = splitter.feed(given) if given else []
        assert all(before <= one.span.end <= splitter.sure for one in new)
        found += new
    before = splitter.sure
    new = splitter.feed(held, is_last=True)
    assert all(before <= one.span.end for one in new)
    return found + new


@given(WILD, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_claims_are_the_same_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    whole = split_claims(text)
    assert split(pieces(text, cuts)) == whole
    assert all(text[one.span.start : one.span.end] == one.body for one in whole)


def unmarked(parts: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    unmarker, text, hints = Unmarker(4), "", list[tuple[int, int]]()
    for part in [*parts, None]:
        given, found = unmarker.feed(part or "", is_last=part is None)
        assert part is None or given == given.rstrip() or not given.strip()
        text, hints = text + given, hints + found
    return text, hints


@given(WILD, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_no_mark_is_left_outside_code_wherever_the_text_is_cut(text: str, cuts: list[int]) -> None:
    found = unmarked([text])
    assert unmarked(pieces(text, cuts)) == found
    code = code_spans(found[0])
    for mark in MARK.finditer(found[0]):
        assert any(span.start <= mark.start("numbers") < span.end for span in code), found


@pytest.mark.parametrize(
    ("answer", "text", "hints"),
    [
        ("It rose (2). Costs fell (1).", "It rose. Costs fell.", [2, 1]),
        ("It rose (2). Costs fell [1].", "It rose. Costs fell.", [2, 1]),
        ("It rose [1]. Costs fell (2).", "It rose. Costs fell (2).", [1]),
        ("It rose to (2). See (a).", "It rose to (2). See (a).", []),
        ("It rose [1[2]].", "It rose.", [2, 1]),
        ("[1" * 9 + "]" * 9 + " [a]", " [a]", [1] * 9),
        (f"It rose [1{' ' * MAX_HELD}].", f"It rose 1{' ' * MAX_HELD}].", []),
        ("`a[1]` and ``b [2]", "`a[1]` and ``b", [2]),
        ("`a[1]`[1]`b", "`a[1]` `b", [1]),
        ("```\na[1]\n```\nb [1]", "```\na[1]\n```\nb", [1]),
    ],
)
def test_marks_go_out_as_they_come(answer: str, text: str, hints: list[int]) -> None:
    for cuts in [(100_000,), (1,), (3, 1)]:
        found, marks = unmarked(pieces(answer, cuts))
        assert (found, [number for _, number in marks]) == (text, hints)


@given(ANSWERS)
def test_ordinary_marks_go_out_as_from_the_whole_answer(text: str) -> None:
    # A mark that touches backticks may make code of them when it goes.
    answer = re.sub(r"(?<=[`~\]\u3011)])(?=[`~\[\u3010])|(?<=`) (?=\[)|(?<=\]) (?=`)", " x ", text)
    answer = re.sub(r"(?<=[\]\u3011)])\s*(?=`)", " x\n", answer)
    found, hints = unmarked([answer])
    whole, all_hints = without_marks(answer, 4)
    assert (found, sorted(hints)) == (whole, sorted(all_hints))


async def test_a_long_answer_is_not_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    forget = Splitter._forget

    def counted(splitter: Splitter) -> None:
        nonlocal looked_at
        forget(splitter)
        looked_at += len(splitter._text)

    monkeypatch.setattr(Splitter, "_forget", counted)
    sentence = "Nothing of this is said in any of the passages. "
    answer = sentence * (MAX_ANSWER // len(sentence))
    found = await unfold(pieces(answer, (400,)), SOURCES[:1])
    assert found.output == answer
    assert looked_at < 2 * len(answer)
