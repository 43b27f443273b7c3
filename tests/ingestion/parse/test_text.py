import pytest

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import MARKDOWN, TEXT
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.parse.text import PAGE_CHARS


def _texts(data: bytes, media_type: str = TEXT) -> list[str]:
    return [page.text for page in parse(data, media_type, "a.txt", Limits()).pages]


def test_text_is_cleaned_once() -> None:
    dirty = "a\x00b\r\ntrailing  \t\rnon\u00a0breaking\u200b inter\u00ad\nnational\u2028end\x07"
    assert _texts(dirty.encode()) == ["ab\ntrailing\nnon breaking inter-national\nend"]


def test_a_word_broken_at_a_line_end_is_mended_when_the_document_knows_it() -> None:
    assert _texts("informa\u00ad\ntion and infor\u00ad\nmal, information".encode()) == [
        "information and infor-mal, information"
    ]


def test_form_feeds_separate_pages() -> None:
    document = parse(b"one\ftwo\f\ffour\f", TEXT, "a.txt", Limits())
    assert [(page.number, page.text) for page in document.pages] == [
        (1, "one"), (2, "two"), (3, ""), (4, "four"),
    ]  # fmt: skip


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(codec: str) -> None:
    assert _texts("Größe 净利".encode(codec)) == ["Größe 净利"]


def test_a_long_text_is_cut_between_paragraphs() -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 200 for number in range(150)]
    text = "\n\n".join(paragraph.strip() for paragraph in paragraphs)
    pages = _texts(text.encode(), MARKDOWN)
    assert len(pages) > 2
    assert "\n\n".join(pages) == text
    assert all(PAGE_CHARS // 2 < len(page) <= PAGE_CHARS for page in pages[:-1])


def test_a_text_without_any_break_is_cut_all_the_same() -> None:
    pages = _texts(("x" * 120_000).encode())
    assert [len(page) for page in pages] == [PAGE_CHARS, PAGE_CHARS, 20_000]


def test_markdown_keeps_its_source_and_lends_its_title_to_a_nameless_file() -> None:
    source = "# Travel Expense Policy\n\n| a | b |\n|---|---|\n\n```\n# no heading\n```"
    document = parse(source.encode(), MARKDOWN, "README.md", Limits())
    assert document.pages[0].text == source
    assert document.title == "Travel Expense Policy"
    assert parse(source.encode(), MARKDOWN, "Handbook.md", Limits()).title == "Handbook"


@pytest.mark.parametrize(
    ("data", "code"), [(b"ok \xff\xfe\xfa", "unsupported"), (b" \n\t\f\n", "no_text")]
)
def test_what_cannot_be_read_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        parse(data, TEXT, "a.txt", Limits())
    assert caught.value.code == code


def test_limits_hold() -> None:
    with pytest.raises(DocumentTooComplex) as caught:
        parse(b"a\fb\fc", TEXT, "a.txt", Limits(pages=2))
    assert caught.value.code == "too_many_pages"
    with pytest.raises(DocumentTooComplex) as caught:
        parse(b"abcdef", TEXT, "a.txt", Limits(characters=5))
    assert caught.value.code == "too_complex"
