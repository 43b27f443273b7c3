import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import DocumentRejected
from ingestion.load import MARKDOWN, PDF, TEXT, clean_filename, scrub, sniff, title_of

_PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


@pytest.mark.parametrize(
    ("filename", "data", "media_type"),
    [
        ("a.pdf", _PDF, PDF),
        ("A.PDF", b"junk\n" * 100 + _PDF, PDF),
        ("report", _PDF, PDF),
        ("a.md", b"# Title", MARKDOWN),
        ("a.markdown", "# Übersicht".encode(), MARKDOWN),
        ("a.txt", "Umsätze".encode("utf-8-sig"), TEXT),
        ("a.txt", "Umsätze".encode("utf-16"), TEXT),
        ("about-pdf.txt", b"A PDF begins with %PDF-1.7", TEXT),
        ("Contract v1.5", b"plain words", TEXT),
    ],
)
def test_name_and_content_decide_together(filename: str, data: bytes, media_type: str) -> None:
    assert sniff(filename, data) == media_type


@pytest.mark.parametrize(
    ("filename", "data", "says"),
    [
        ("a.docx", b"PK\x03\x04....", "Office document"),
        ("a.pdf", b"<!DOCTYPE html><html>%PDF-1.4", "web page"),
        ("a.pdf", b"PK\x03\x04%PDF-1.4", "ZIP"),
        ("a.pdf", b"only words", "looks like plain text"),
        ("a.txt", _PDF, "looks like PDF"),
        ("a.txt", "Umsätze".encode("cp1252"), "not UTF-8"),
        ("a.txt", b"\x00\x01\x02\x03" * 50, "binary"),
        ("a.exe", b"MZ\x90\x00", "program"),
        ("a.csv", b"a,b\n1,2\n", "a .csv file"),
        ("photo.txt", b"\x89PNG\r\n", "image"),
    ],
)
def test_anything_else_is_refused_in_words(filename: str, data: bytes, says: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        sniff(filename, data)
    assert caught.value.code == "unsupported"
    assert says in caught.value.detail
    assert "PDF (.pdf), Markdown (.md, .markdown), plain text (.txt)" in caught.value.detail


def test_a_letter_cut_by_the_head_is_no_reason_to_refuse() -> None:
    assert sniff("a.txt", ("x" + "ü" * 40_000).encode()) == TEXT


def test_an_empty_file_has_no_text() -> None:
    with pytest.raises(DocumentRejected) as caught:
        sniff("a.pdf", b"")
    assert caught.value.code == "no_text"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a b.pdf", "a b.pdf"),
        ("in\u202egpj.pdf", "ingpj.pdf"),
        ("line\nbreak\x00.pdf", "line break.pdf"),
        ("u\u0308ber.pdf", "über.pdf"),
        ("..", "document"),
        ("\u200b", "document"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_names_are_cleaned_for_display(raw: str, clean: str) -> None:
    assert clean_filename(raw) == clean


@given(st.text(st.characters(), max_size=400))
def test_a_clean_name_is_safe_and_stays_clean(raw: str) -> None:
    name = clean_filename(raw)
    assert 0 < len(name) <= 255
    assert not set(name) & {"/", "\\", "\x00", "\n", "\u202e"}
    assert unicodedata.is_normalized("NFC", name)
    assert name.encode().decode() == name
    assert clean_filename(name) == name


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("ACME_AnnualReport-2024.pdf", "ACME Annual Report 2024"),
        ("BESTBUY_2024Q2_10Q.pdf", "BESTBUY 2024Q2 10Q"),
        ("EX-10.17 SupplyAgreement.PDF", "EX 10.17 Supply Agreement"),
        ("PDFReport.v2.txt", "PDF Report v2"),
        ("___.pdf", "document"),
    ],
)
def test_titles_come_from_names(filename: str, title: str) -> None:
    assert title_of(filename) == title


def test_scrub_leaves_what_postgres_can_store() -> None:
    assert scrub("a\x00b\ud800c😀") == "abc😀"
