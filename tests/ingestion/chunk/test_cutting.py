"""Passages of a size that an owner chose; and that nothing changes for those who chose none."""

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiconvokit.demo.render.documents import DOCUMENTS
from ingestion.chunk import chunk_document
from ingestion.chunk.edges import without_edges
from ingestion.chunk.lines import split_lines
from ingestion.cutting import Cutting
from ingestion.documents import Chunk, Page, ParsedDocument
from ingestion.load import MARKDOWN, PDF, TEXT
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.parse.sandbox import parse_in_child
from ingestion.tokens import count_tokens

_SENTENCE = "The company sold more anvils than in any year before, mostly to one customer."
_BEFORE = {  # the passages of the version that knew no cutting: number, and SHA-256 of their repr
    "annual_report.pdf": (118, "961d9a3bb843b31f362f44cf8d5abec844ec8eb7cff8a238775ab215dd2eb260"),
    "supply_agreement.pdf": (
        32,
        "f60d4ea66a3ba3f4eed76d1c34880955f3e384bbc37a15968324a66c455624a1",
    ),
}


def _document(*pages: str, media_type: str = TEXT) -> ParsedDocument:
    numbered = tuple(Page(number, None, text) for number, text in enumerate(pages, 1))
    return ParsedDocument(media_type, "ACME 2024", numbered)


def _told(chunks: list[Chunk]) -> tuple[int, str]:
    """Without the headers of tables, which came later, and only into the context."""
    seen = [
        (one.ordinal, one.page, one.start, one.end, one.heading, context, one.tokens, one.text)
        for one in chunks
        for context in one.context.split("\n")[:1]
    ]
    return len(chunks), hashlib.sha256(repr(seen).encode()).hexdigest()


def _shared(first: Chunk, second: Chunk) -> str:
    """What two passages of a page both hold."""
    return first.text[len(first.text) - max(0, first.end - second.start) :]


@pytest.mark.parametrize("name", list(_BEFORE))
def test_without_a_choice_passages_are_what_they_were(name: str) -> None:
    data = (DOCUMENTS / name).read_bytes()
    document = parse(data, PDF, name, Limits(), lambda _: None)
    assert _told(chunk_document(document)) == _BEFORE[name]
    assert _told(chunk_document(document, Cutting(300, 0))) != _BEFORE[name]


@pytest.mark.parametrize(("most", "overlap"), [(100, 0), (100, 50), (300, 60), (560, 280)])
def test_the_sample_report_in_other_sizes(most: int, overlap: int) -> None:
    data = (DOCUMENTS / "annual_report.pdf").read_bytes()
    document = parse(data, PDF, "annual_report.pdf", Limits(), lambda _: None)
    chunks = chunk_document(document, Cutting(most, overlap))
    texts = {page.number: page.text for page in document.pages}
    assert max(one.tokens for one in chunks) <= most
    assert all(one.text == texts[one.page][one.start : one.end] for one in chunks)
    pairs = [
        (first, second) for first, second in itertools.pairwise(chunks) if first.page == second.page
    ]
    overlapping = [count_tokens(_shared(*pair)) for pair in pairs if pair[1].start < pair[0].end]
    assert all(tokens <= overlap for tokens in overlapping)
    # Nearly all do: a row of a table may be longer than what may be repeated.
    assert len(overlapping) >= (0.95 * len(pairs) if overlap else 0)
    assert not overlap or sum(overlapping) >= 0.6 * overlap * len(overlapping)


def test_what_the_embedder_cannot_read_is_not_cut_so() -> None:
    text = "\n".join([_SENTENCE] * 200)
    chunks = chunk_document(_document(text), Cutting(4096, 2048))
    assert chunks == chunk_document(_document(text), Cutting(560, 280))
    assert 500 < max(one.tokens for one in chunks) <= 560


def test_a_paragraph_in_one_line_overlaps_too() -> None:
    chunks = chunk_document(_document(" ".join([_SENTENCE] * 60)), Cutting(200, 40))
    for first, second in itertools.pairwise(chunks):
        assert 10 < count_tokens(_shared(first, second)) <= 40
        assert first.text.endswith(_shared(first, second))
        assert not first.text[-1].isspace()


def test_passages_do_not_reach_over_pages() -> None:
    chunks = chunk_document(_document(_SENTENCE, _SENTENCE), Cutting(560, 280))
    assert [(one.page, one.text) for one in chunks] == [(1, _SENTENCE), (2, _SENTENCE)]


_LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n\x00", exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(["", "  ", "# Heading", "ITEM 7. RISKS", "Total 10 20 30", _SENTENCE]),
    st.builds(
        lambda piece, times: piece * times,
        st.sampled_from(["中国人民", "การเงิน", "x", "😀", "e\u0301", "word ", " "]),
        st.integers(1, 1_500),
    ),
)
_TEXTS = st.lists(_LINES, max_size=30).map("\n".join)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(_TEXTS, min_size=1, max_size=3),
    st.sampled_from([PDF, MARKDOWN, TEXT]),
    st.integers(100, 700),
    st.integers(0, 350),
)
def test_every_passage_is_a_slice_and_nothing_is_lost(
    texts: list[str], media_type: str, most: int, overlap: int
) -> None:
    document = _document(*texts, media_type=media_type)
    chunks = chunk_document(document, Cutting(most, min(overlap, most // 2)))
    bodies = without_edges([split_lines(text) for text in texts])
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    for page, body in zip(document.pages, bodies, strict=True):
        missing = {index for line in body for index in range(line.start, line.end)}
        end = 0
        for chunk in (chunk for chunk in chunks if chunk.page == page.number):
            assert chunk.text == page.text[chunk.start : chunk.end]
            assert chunk.text.strip()
            assert chunk.end > end  # each gets on
            assert 0 < chunk.tokens == count_tokens(chunk.text) <= min(most, 560)
            end = chunk.end
            missing.difference_update(range(chunk.start, chunk.end))
        assert all(page.text[index].isspace() for index in missing)


def test_joined_pieces_that_have_more_tokens_than_apart_are_parted_again() -> None:
    text = (
        "W¢°\nq$e\n0:0\U00010003\n0:0\x810\U00010000\U00010000\U00010000\U00011e40\U0001e000\n"
        "0:0:0:\x950:\x81\U0001e000\n0:0:0:0:0\U00010000\U00010000\U00010000\n"
        "0:0:0:0:\x810:\U00010000\U00010000"
    )
    assert count_tokens(text) == 101
    chunks = chunk_document(_document(text, media_type=PDF), Cutting(100, 1))
    assert [chunk.tokens <= 100 for chunk in chunks] == [True, True]
    assert "\n".join(chunk.text for chunk in chunks) == text


async def test_the_child_cuts_as_it_is_told() -> None:
    data = "\n".join([_SENTENCE] * 40).encode()
    parsed = await parse_in_child(data, TEXT, "a.txt", Limits(), Cutting(100, 20))
    assert list(parsed.chunks) == chunk_document(parsed.document, Cutting(100, 20))
    whole = await parse_in_child(data, TEXT, "a.txt", Limits())
    assert list(whole.chunks) == chunk_document(whole.document)
