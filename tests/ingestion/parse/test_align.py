"""A stored page text against the page's own characters."""

from hypothesis import given
from hypothesis import strategies as st

from ingestion.parse.align import align
from ingestion.parse.normalise import LINE_END_HYPHEN, clean_pages


def _codes(text: str) -> list[int]:
    """As PDFium counts: two for a sign beyond the first plane."""
    units = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(units[i : i + 2], "little") for i in range(0, len(units), 2)]


def _back(stored: str, raw: str) -> str:
    """What stands at the indexes that were found."""
    codes = _codes(raw)
    found = (None if index is None else codes[index] for index in align(stored, codes))
    return "".join(" " if code is None else chr(code) for code in found)


def test_spaces_and_breaks_may_differ() -> None:
    assert _back("Total assets\n4,812", "Total\u00a0assets \r\n4,812 ") == "Total assets 4,812"


def test_broken_words() -> None:
    raw = f"The agree{LINE_END_HYPHEN}ment of a third{LINE_END_HYPHEN}party, an agreement."
    (stored,) = clean_pages([raw])
    assert stored == "The agreement of a third-party, an agreement."
    assert _back(stored, raw) == stored.replace("-", LINE_END_HYPHEN)
    assert _back("-5 to 7 - 2, non-\nGAAP", "-5 to 7 - 2, non-\r\nGAAP") == "-5 to 7 - 2, non- GAAP"


def test_invisible_signs_bullets_and_ligatures() -> None:
    raw = "\ufeff\uf0b7 e\ufb03cient\u00ad, soft\x02ware"
    (stored,) = clean_pages([raw])
    assert stored == "• e\ufb03cient, software"
    assert _back(stored, raw) == "\uf0b7 e\ufb03cient, software"


def test_signs_beyond_the_first_plane() -> None:
    stored = "a \U0001f600 b"
    assert align(stored, _codes(stored)) == [0, None, 2, None, 5]
    assert align("ab", [0x61, 0xD83D, 0x62, 0xDE00]) == [0, 2]  # halves that do not belong together


def test_what_another_reader_wrote_differently() -> None:
    first = "The supplier shall deliver all goods within fourteen days."
    second = "Nobody is liable for damages that he did not cause himself."
    raw = f"{first}\r\n{second}"
    found = _back(f"{second}\n{first.replace('fourteen', '14')}", raw)
    assert found[: len(second)] == second
    rest = found[len(second) + 1 :]
    assert rest.startswith("The supplier shall deliver all goods within ")
    assert rest.split()[-1] != "days." or rest.endswith(" days.")


def test_nothing_in_common() -> None:
    assert set(align("Quite another text than that.", _codes("Words " * 20))) == {None}
    assert align("", _codes("Words")) == []
    assert set(align("Words", [])) == {None}


@given(st.text(max_size=300), st.lists(st.integers(0, 2**32 - 1), max_size=300))
def test_any_text_and_any_codes(stored: str, codes: list[int]) -> None:
    found = align(stored, codes)
    known = [index for index in found if index is not None]
    assert len(found) == len(stored)
    assert len(set(known)) == len(known)
    assert all(0 <= index < len(codes) for index in known)


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_every_visible_sign_of_a_cleaned_page_is_found(raw: str) -> None:
    (stored,) = clean_pages([raw])
    found = align(stored, _codes(raw))
    for char, index in zip(stored, found, strict=True):
        if char != "-":  # one by itself has no neighbour to be found by
            assert (index is None) == char.isspace(), char
