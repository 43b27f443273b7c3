"""Work grows with the length of what a model writes: a pattern that squares it would hang these."""

import pytest

from aiconvokit.chat import support as supporting
from aiconvokit.chat.attribution import MAX_ANSWER, MAX_CLAIM, attribute
from aiconvokit.chat.evidence import Evidence, Statement
from aiconvokit.chat.marks import without_marks
from aiconvokit.chat.proof import Attributed
from aiconvokit.chat.reading import Reading, read_quote
from aiconvokit.chat.shelves import MAX_UNIT, prepare
from aiconvokit.chat.support import MAX_LOOKALIKES, Effort, support
from aiconvokit.chat.units import split_units
from support.passages import source

LENGTH = 100_000
PAGE = "Revenue rose by 10.0 % in 2025. The Buyer shall pay the Supplier within 30 days."
UNITS = (
    " ", "\n", "1", "1,", "1.", "1. ", "a.", ". ", ".", "- ", "-\n", "|", "| ", "|`a", "|\\", "`",
    "[", "[1", "[1](", "[1]", "x [1]\n", "[1-99,", "(1)", "a (1) ", "Ab (1). ", "\u4e00", "a",
    "Ab ", "```\n", "> ", "123 ", "1 may ", "1.1.2025 5 ", "one hundred ", ").", "\u300230",
)  # fmt: skip
GREEK = ("alpha", "beta", "gamma", "delta", "zeta", "eta")
BETWEEN = ("", "[source", "a (1)", "may 1", "[1", "| x", "```", "`", "5")


def filled(unit: str, length: int = LENGTH) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def supported(answer: Attributed) -> list[str]:
    return [answer.output[claim.start : claim.end] for claim in answer.claims if claim.supported]


@pytest.mark.parametrize("unit", UNITS)
def test_an_answer_of_one_thing_over_and_over_comes_back(unit: str) -> None:
    answer = attribute(f"{filled(unit)}x|", [source(1, PAGE)])
    assert supported(answer) == []


@pytest.mark.parametrize("before", BETWEEN)
def test_long_white_space_comes_back(before: str) -> None:
    answer = attribute(f"{before}{' ' * LENGTH}x", [source(1, PAGE)])
    assert supported(answer) == []
    last = list(read_quote(f"{before}{' ' * LENGTH}x", "english").words)[-1]
    assert last.text == "x"


@pytest.mark.parametrize("unit", UNITS)
def test_a_page_of_one_thing_over_and_over_comes_back(unit: str) -> None:
    page = f"{filled(unit, LENGTH // 2)}\n\n{PAGE}"
    units = split_units(page)
    assert "".join(page[one.start : one.end] for one in units).split()[-1] == "days."
    assert attribute("Revenue rose by 10 %.", [source(1, page)]).claims


def test_marks_in_marks_leave_no_mark() -> None:
    nested = "[1" * 2_000 + "]" * 2_000
    text, hints = without_marks(f"It rose {nested}. Use `a[1]`.", 4)
    assert text.endswith("Use `a[1]`.")
    assert "[" not in text.removesuffix("Use `a[1]`.")
    assert {number for _, number in hints} == {1}
    assert all(0 <= position <= len(text) for position, _ in hints)


def test_what_stands_too_far_back_or_is_too_long_is_not_judged() -> None:
    true = "Revenue rose by 10 % in 2025."
    padding = filled("Nothing of this is there. ", MAX_ANSWER)
    answer = attribute(f"{true} {padding}. {true}", [source(1, PAGE)])
    assert supported(answer) == [true]
    assert answer.claims[-1].reason == "no_match"
    words = filled("revenue ", MAX_CLAIM + 1)
    assert attribute(f"{words}.", [source(1, f"{words}.")]).claims[0].reason == "no_match"
    assert prepare([source(1, filled("revenue ", MAX_UNIT + 1))]).evidence == ()


def test_a_claim_is_compared_with_few_units(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    judge = supporting._judge

    def counted(claim: Reading, one: Evidence, effort: Effort) -> object:
        judged.append(one.text)
        return judge(claim, one, effort)

    monkeypatch.setattr(supporting, "_judge", counted)
    rows = "\n".join(f"Revenue {n},{n}00.5 {n + 1},{n}00.5" for n in range(100, 400))
    library = prepare([source(1, f"EUR thousand 2025 2024\n{rows}")])
    found = support(Statement("Revenue: 250,250.5", frozenset()), library, Effort())
    assert isinstance(found, str)
    assert len(judged) <= MAX_LOOKALIKES
    judged.clear()
    found = support(Statement("Revenue: 250,25000.5", frozenset()), library, Effort())
    assert len(judged) <= MAX_LOOKALIKES


def test_without_effort_only_what_stands_there_word_for_word_counts() -> None:
    library = prepare([source(1, PAGE)])
    verbatim = Statement("Revenue rose by 10.0 % in 2025.", frozenset())
    reworded = Statement("Revenue increased by 10 % in 2025.", frozenset())
    assert not isinstance(support(reworded, library, Effort()), str)
    assert not isinstance(support(verbatim, library, Effort(0)), str)
    assert support(reworded, library, Effort(0)) == "no_match"


def test_a_large_table_is_judged_within_the_effort() -> None:
    kinds = ["net", "gross", "other", "trade"]
    names = [f"{a} {b}" for a in kinds for b in ["cash", "debt", "tax"]]
    rows = [f"{name} {n}" for n in GREEK for name in names]
    cells = [
        (row, f"{at + 100},{at + 200}.5", f"{at + 300},{at + 400}.5") for at, row in enumerate(rows)
    ]
    page = "EUR thousand 2025 2024\n" + "\n".join(" ".join(cell) for cell in cells)
    table = "| EUR thousand | 2025 | 2024 |\n|---|---|---|\n" + "\n".join(
        f"| {' | '.join(cell)} |" for cell in cells
    )
    answer = attribute(table, [source(1, page)])
    assert len(answer.claims) == 2 * len(rows)
    assert supported(answer) == [figure for cell in cells for figure in cell[1:]]
