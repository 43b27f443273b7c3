import io
from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfWriter
from pypdf.constants import PageLabelStyle
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject
from reportlab.pdfgen.canvas import Canvas

from ingestion.documents import OutlineEntry, ParsedDocument
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import PDF
from ingestion.parse.aids import Aids
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse

MakePdf = Callable[[Sequence[str]], bytes]
Rewrite = Callable[[bytes, Callable[[PdfWriter], None]], bytes]

_PAGES = ("Letter to shareholders\nRevenue rose.", "Balance sheet\nAssets 5", "Notes\nNote 1")


def _parse(
    data: bytes, filename: str = "ACME_2024.pdf", limits: Limits | None = None
) -> ParsedDocument:
    return parse(data, PDF, filename, limits or Limits())


def _code(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(DocumentRejected) as caught:
        _parse(data, limits=limits)
    return caught.value.code


def test_text_of_every_page_in_order(make_pdf: MakePdf) -> None:
    document = _parse(make_pdf(_PAGES))
    assert [page.text for page in document.pages] == list(_PAGES)
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert {page.label for page in document.pages} == {None}
    assert (document.title, document.outline) == ("ACME 2024", ())


def test_outline_labels_and_title_are_the_files_own(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        notes = writer.add_outline_item(title="Notes\x00 ", page_number=2)
        writer.add_outline_item(title="Note 1", page_number=2, parent=notes)
        writer.set_page_label(0, 0, style=PageLabelStyle.LOWERCASE_ROMAN, start=4)
        writer.set_page_label(1, 2, style=PageLabelStyle.DECIMAL, start=1)
        writer.add_metadata({"/Title": "Annual Report of the Acme Company"})

    document = _parse(rewrite(make_pdf(_PAGES), change), "scan-0001.pdf")
    assert document.outline == (OutlineEntry(1, "Notes", 3), OutlineEntry(2, "Note 1", 3))
    assert [page.label for page in document.pages] == ["iv", "1", "2"]
    assert document.title == "Annual Report of the Acme Company"


def test_a_telling_file_name_beats_the_declared_title(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    data = rewrite(make_pdf(_PAGES), lambda writer: writer.add_metadata({"/Title": "Form 10-K"}))
    assert _parse(data, "BestBuy_2023_10K.pdf").title == "Best Buy 2023 10K"


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_password_is_needed_only_where_there_is_one(
    make_pdf: MakePdf, rewrite: Rewrite, algorithm: str
) -> None:
    def locked_for(user_password: str) -> bytes:
        return rewrite(
            make_pdf(_PAGES),
            lambda writer: writer.encrypt(user_password, "owner", algorithm=algorithm),
        )

    assert _parse(locked_for("")).pages[0].text == _PAGES[0]
    assert _code(locked_for("secret")) == "encrypted"
    opened = parse(locked_for("secret"), PDF, "a.pdf", Limits(), aids=Aids("secret"))
    assert [page.text for page in opened.pages] == list(_PAGES)
    with pytest.raises(DocumentRejected, match="another password") as caught:
        parse(locked_for("secret"), PDF, "a.pdf", Limits(), aids=Aids("Secret"))
    assert caught.value.code == "encrypted"
    assert "Secret" not in caught.value.detail


def test_the_structure_of_a_locked_file_is_read_too(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        writer.add_outline_item(title="Notes", page_number=2)
        writer.encrypt("größe", "owner", algorithm="AES-256")

    data = rewrite(make_pdf(_PAGES), change)
    document = parse(data, PDF, "a.pdf", Limits(), aids=Aids("größe"))
    assert document.outline == (OutlineEntry(1, "Notes", 3),)


def test_a_password_that_a_file_does_not_need_is_no_hindrance(make_pdf: MakePdf) -> None:
    document = parse(make_pdf(_PAGES), PDF, "a.pdf", Limits(), aids=Aids("needless"))
    assert document.pages[0].text == _PAGES[0]


def test_pypdf_reads_what_pdfium_cannot_open(make_pdf: MakePdf) -> None:
    headless = make_pdf(_PAGES).replace(b"%PDF-1.", b"%XXX-1.")
    assert [page.text for page in _parse(headless).pages] == list(_PAGES)


def test_pdfium_reads_what_pypdf_chokes_on(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        writer.root_object[NameObject("/Outlines")] = ArrayObject([NumberObject(7)])

    document = _parse(rewrite(make_pdf(_PAGES), change))
    assert [page.text for page in document.pages] == list(_PAGES)
    assert document.outline == ()


def test_an_outline_that_bites_its_tail_ends(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        item = writer.add_outline_item(title="Again", page_number=0)
        entry = item.get_object()
        assert isinstance(entry, DictionaryObject)
        entry[NameObject("/Next")] = item
        entry[NameObject("/First")] = item

    document = _parse(rewrite(make_pdf(_PAGES), change))
    assert document.pages[0].text == _PAGES[0]
    assert len(document.outline) <= Limits().outline_entries


def test_an_outline_is_read_up_to_its_limit(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        for number in range(20):
            writer.add_outline_item(title=f"Entry {number}", page_number=0)

    data = rewrite(make_pdf(_PAGES), change)
    assert len(_parse(data, limits=Limits(outline_entries=7)).outline) == 7


def test_structure_that_takes_too_long_is_left_out(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    def change(writer: PdfWriter) -> None:
        for number in range(3_000):
            writer.add_outline_item(title=f"Entry {number}", page_number=0)

    document = _parse(rewrite(make_pdf(_PAGES), change), limits=Limits(structure_seconds=0.001))
    assert document.outline == ()
    assert document.pages[0].text == _PAGES[0]


def test_a_scan_says_that_it_has_no_text() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.rect(10, 10, 100, 100, fill=1)
    canvas.showPage()
    canvas.save()
    assert _code(out.getvalue()) == "no_text"


def test_damage_is_reported(make_pdf: MakePdf) -> None:
    assert _code(b"%PDF-1.7\n" + make_pdf(_PAGES)[500:900]) == "corrupt"


def test_limits_hold(make_pdf: MakePdf) -> None:
    assert _code(make_pdf(_PAGES), Limits(pages=2)) == "too_many_pages"
    with pytest.raises(DocumentTooComplex):
        _parse(make_pdf(_PAGES), limits=Limits(characters=40))
