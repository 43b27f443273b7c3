import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.attributes import (
    Attributes,
    BadAttributes,
    check_attributes,
    from_json,
    from_words,
    loaded,
    same,
)
from ingestion.batch import MAX_SIDECAR_BYTES, Found, Selection, find


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], 'Expected a dictionary of items but got type "list".'),
        (None, 'Expected a dictionary of items but got type "NoneType".'),
        ({str(n): n for n in range(17)}, "no more than 16 keys"),
        ({"": 1}, "A key may not be blank."),
        ({" \t": 1}, "A key may not be blank."),
        ({"k" * 65: 1}, "no more than 64 characters"),
        ({"a\0": 1}, "Null characters"),
        ({"\ud800": 1}, "Surrogate characters"),
        ({"a": None}, "a string, a number or a boolean"),
        ({"a": []}, "a string, a number or a boolean"),
        ({"a": {"b": 1}}, "a string, a number or a boolean"),
        ({"a": "x" * 513}, "no more than 512 characters"),
        ({"a": "\0"}, "Null characters"),
        ({"a": "x\udfff"}, "Surrogate characters"),
        ({"a": float("nan")}, "finite"),
        ({"a": float("-inf")}, "finite"),
        ({"a": 10**400}, "finite"),
    ],
)
def test_what_is_refused(given: object, says: str) -> None:
    with pytest.raises(BadAttributes) as caught:
        check_attributes(given)
    assert says in str(caught.value)


def test_what_just_fits() -> None:
    given = {"k" * 64: "ü" * 512, "a": True, "b": -(2**63) + 1, "c": 1e308, "": ""}
    del given[""]
    given |= {str(number): "" for number in range(12)}
    assert len(given) == 16
    assert check_attributes(given) == given


def test_what_a_whole_number_can_be() -> None:
    assert repr(check_attributes({"a": 2**63 - 1})) == "{'a': 9223372036854775807}"
    assert repr(check_attributes({"a": 2**63})) == "{'a': 9.223372036854776e+18}"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("k=7", 7),
        ("k=-0.5", -0.5),
        ("k=1e3", 1000.0),
        ("k=true", True),
        ("k=false", False),
        ('k="7"', "7"),
        ('k="a b"', "a b"),
        ("k=", ""),
        ("k=a=b", "a=b"),
        ("k=007", "007"),
        ("k=2024-01-31", "2024-01-31"),
        ("k=True", "True"),
        ("k=null", "null"),
        ("k=NaN", "NaN"),
        ("k=[1]", "[1]"),
        ('k="', '"'),
    ],
)
def test_words_of_a_command_line(word: str, value: object) -> None:
    assert repr(from_words([word])) == repr({"k": value})


def test_of_one_key_the_last_word_counts() -> None:
    assert from_words(["a=1", "b=2", "a=x"]) == {"a": "x", "b": 2}


@pytest.mark.parametrize("word", ["k", "=7", "k=1e400", f"k={'9' * 400}", f"k={'x' * 513}"])
def test_words_that_are_refused(word: str) -> None:
    with pytest.raises(BadAttributes):
        from_words([word])


VALUES = (
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=5))
def test_text_and_back(given: dict[str, object]) -> None:
    held = check_attributes(given)
    assert same(held, from_json(json.dumps(held)))
    assert same(held, loaded(held))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": False}, {"a": 0}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 1.2345678901234568e18}, {"a": 1234567890123456800}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({}, {"a": 1}, False),
    ],
)
def test_what_is_the_same(one: Attributes, other: Attributes, equal: bool) -> None:  # noqa: FBT001  # a case of the table
    assert same(one, other) is equal


def test_the_database_writes_all_digits() -> None:
    assert repr(loaded({"a": 10**300, "b": True, "c": 7})) == "{'a': 1e+300, 'b': True, 'c': 7}"


def labelled(folder: Path, sidecar: bytes | None, **common: int) -> Found:
    file = folder / "a.md"
    file.write_bytes(b"# A")
    if sidecar is not None:
        (folder / "a.md.meta.json").write_bytes(sidecar)
    return Found(file, "a.md").labelled(dict(common))


def test_a_sidecar_says_more_and_wins(tmp_path: Path) -> None:
    assert labelled(tmp_path, None).attributes is None
    assert labelled(tmp_path, None, a=1).attributes == {"a": 1}
    assert labelled(tmp_path, b'\xef\xbb\xbf{"b": 2, "a": 3}', a=1).attributes == {"a": 3, "b": 2}
    assert labelled(tmp_path, b"{}").attributes == {}


@pytest.mark.parametrize(
    ("sidecar", "says"),
    [
        (b"", "Value must be valid JSON."),
        (b"{", "Value must be valid JSON."),
        (b"\xff\xfe\xff", "Value must be valid JSON."),
        (b'{"a": NaN}', "Value must be valid JSON."),
        (b"[" * 100_000, "larger than"),
        (b"[" * 60_000, "Value must be valid JSON."),
        (b" " * (MAX_SIDECAR_BYTES + 1), "larger than"),
        (b"[]", 'got type "list"'),
        (b'{"a": {"b": 1}}', "a string, a number or a boolean"),
        (json.dumps({str(n): n for n in range(16)}).encode(), "no more than 16 keys"),
    ],
)
def test_a_broken_sidecar_is_one_sentence(tmp_path: Path, sidecar: bytes, says: str) -> None:
    with pytest.raises(BadAttributes) as caught:
        labelled(tmp_path, sidecar, z=1)
    assert str(caught.value).startswith("a.md.meta.json: ")
    assert says in str(caught.value)


def test_a_name_too_long_for_a_sidecar_has_none(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 250 + ".md")
    file.write_bytes(b"# A")
    assert Found(file, "x").labelled({}).attributes is None


def test_sidecars_are_no_documents(tmp_path: Path) -> None:
    labelled(tmp_path, b"{}")
    everything = Selection(include=["*"])
    assert [one.name for one in find([tmp_path], everything)] == ["a.md"]
    assert [one.name for one in find(sorted(tmp_path.iterdir()), everything)] == ["a.md"]
