"""Which sentences of an answer repeat a document, though no quote proves them."""

from aiconvokit.files.redaction import runs, unproven
from aiconvokit.files.redaction_queries import Told


def test_words_in_a_row() -> None:
    assert list(runs("The rent, is *EUR* 900 a month")) == [
        "the rent is eur 900",
        "rent is eur 900 a",
        "is eur 900 a month",
    ]
    assert list(runs("one two three four")) == []
    assert list(runs("家賃は月九万円")) == ["家 賃 は 月 九", "賃 は 月 九 万", "は 月 九 万 円"]


def test_only_what_no_quote_proves_is_looked_at() -> None:
    content = "The rent is 900. [1] It was 800 before."
    claims = [
        {"start": 0, "end": 16, "supported": True},
        {"start": 21, "end": 39, "supported": False},
    ]
    assert unproven(Told(1, 1, content, claims, cites=True)) == "It was 800 before."
    assert unproven(Told(1, 1, content, [], cites=False)) == content
