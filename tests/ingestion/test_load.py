import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import DocumentRejected
from ingestion.load import (
    CSV,
    DOCX,
    HTML,
    MARKDOWN,
    PDF,
    PPTX,
    TEXT,
    TSV,
    XLSX,
    clean_filename,
    is_supported,
    scrub,
    sniff,
    title_of,
)


def _zip_with(*names: str) -> bytes:
    """The beginning of an archive."""
    return b"".join(b"PK\x03\x04" + bytes(26) + name.encode() + b"...." for name in names)


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
        ("a.txt", "Umsätze".encode("cp1252"), TEXT),
        ("a.docx", _zip_with("[Content_Types].xml", "word/document.xml"), DOCX),
        ("a.docm", _zip_with("word/document.xml"), DOCX),
        ("a.pptx", _zip_with("ppt/presentation.xml"), PPTX),
        ("a.xlsm", _zip_with("xl/workbook.xml"), XLSX),
        ("a.xlsx", _zip_with("docProps/app.xml"), XLSX),
        ("budget", _zip_with("xl/workbook.xml"), XLSX),
        ("a.csv", b"a,b\n1,2\n", CSV),
        ("a.tsv", b"a\tb\n", TSV),
        ("a.html", b"<p>a fragment", HTML),
        ("a.htm", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE html><html>", HTML),
        ("page", b"<html>", HTML),
    ],
)
def test_name_and_content_decide_together(filename: str, data: bytes, media_type: str) -> None:
    assert sniff(filename, data) == media_type


@pytest.mark.parametrize(
    ("filename", "data", "says"),
    [
        ("a.zip", b"PK\x03\x04....", "ZIP"),
        ("a.docx", _zip_with("ppt/presentation.xml"), "looks like PowerPoint"),
        ("a.docx", _PDF, "looks like PDF"),
        ("a.pdf", _zip_with("word/document.xml"), "looks like Word"),
        ("a.xlsx", b"a,b\n1,2\n", "looks like plain text"),
        ("a.doc", b"\xd0\xcf\x11\xe0", "Save it as .docx"),
        ("a.xls", b"<html>", "Save it as .xlsx"),
        ("a.xlsb", _zip_with("xl/workbook.bin"), "Save it as .xlsx"),
        ("a.docx", b"\xd0\xcf\x11\xe0", "old Office format"),
        ("a.pdf", b"<!DOCTYPE html><html>%PDF-1.4", "looks like HTML"),
        ("a.pdf", b"PK\x03\x04%PDF-1.4", "ZIP"),
        ("a.txt", b"<!-- x -->\n<!doctype HTML><p>", "looks like HTML"),
        ("a.pdf", b"only words", "looks like plain text"),
        ("a.txt", _PDF, "looks like PDF"),
        ("a.txt", "Договор".encode("cp1251"), "not UTF-8"),
        ("a.txt", b"\x00\x01\x02\x03" * 50, "binary"),
        ("a.exe", b"MZ\x90\x00", "program"),
        ("a.yaml", b"{}", "a .yaml file"),
        ("photo.txt", b"\x89PNG\r\n", "image"),
    ],
)
def test_anything_else_is_refused_in_words(filename: str, data: bytes, says: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        sniff(filename, data)
    assert caught.value.code == "unsupported"
    assert says in caught.value.detail
    assert "PDF (.pdf), Word (.docx, .docm), " in caught.value.detail


def test_a_letter_cut_by_the_head_is_no_reason_to_refuse() -> None:
    assert sniff("a.txt", ("x" + "ü" * 40_000).encode()) == TEXT


def test_a_password_is_told_from_an_old_format() -> None:
    locked = b"\xd0\xcf\x11\xe0" + bytes(70_000) + "EncryptedPackage".encode("utf-16-le")
    assert sniff("a.xlsx", locked) == XLSX
    for filename in ("a", "a.pdf", "a.doc"):
        with pytest.raises(DocumentRejected, match="password") as caught:
            sniff(filename, locked)
        assert caught.value.code == "encrypted"


def test_the_ending_says_what_is_worth_looking_into() -> None:
    assert is_supported("a.DOCX")
    assert not is_supported("a.doc")
    assert not is_supported("LICENSE")


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
