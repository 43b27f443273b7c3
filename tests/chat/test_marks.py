import pytest

from aiconvokit.chat.marks import without_marks


@pytest.mark.parametrize(
    ("answer", "text", "hints"),
    [
        ("It rose [1].", "It rose.", [1]),
        ("It rose [1,2].", "It rose.", [1, 2]),
        ("It rose [1-3].", "It rose.", [1, 2, 3]),
        ("It rose [1][12].", "It rose.", [1, 12]),
        ("It rose [^4].", "It rose.", [4]),
        ("It rose \u30101\u2020source\u3011.", "It rose.", [1]),
        ("It rose \u30105:3\u2020L1-L9\u3011.", "It rose \u30105:3\u2020L1-L9\u3011.", []),
        ("It rose \uff3b\uff12\uff3d.", "It rose.", [2]),
        ("It rose [\u0663].", "It rose.", [3]),
        ("It rose [Source 2].", "It rose.", [2]),
        ("It rose [1](#ref-1).", "It rose.", [1]),
        ("It rose (2).", "It rose.", [2]),
        ("It rose (2). Costs fell [1].", "It rose (2). Costs fell.", [1]),
        ("It rose to (2).", "It rose to (2).", []),
        ("It rose (9).", "It rose (9).", []),
        ("Within thirty (3) days.", "Within thirty (3) days.", []),
        ("It rose in [2024].", "It rose in [2024].", []),
        ("Use `a[1]` here.", "Use `a[1]` here.", []),
        ("```\na[1]\n```", "```\na[1]\n```", []),
        ("It rose [1[2]].", "It rose.", [2, 1]),
    ],
)
def test_marks_go_out_and_leave_hints(answer: str, text: str, hints: list[int]) -> None:
    without, found = without_marks(answer, passages=4)
    assert without == text
    assert sorted(number for _, number in found) == sorted(hints)
    assert all(0 <= position <= len(text) for position, _ in found)
