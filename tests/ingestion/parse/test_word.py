import io
from collections.abc import Callable, Mapping

import docx
from docx.document import Document
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ingestion.chunk import chunk_document
from ingestion.documents import ParsedDocument
from ingestion.load import DOCX
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse

Repack = Callable[[bytes, Mapping[str, bytes | Callable[[bytes], bytes]]], bytes]


def _saved(document: Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _parsed(document: Document, name: str = "Handbook.docx") -> ParsedDocument:
    return parse(_saved(document), DOCX, name, Limits())


def _add_xml(document: Document, xml: str) -> None:
    body = document.element.body
    body.insert(len(body) - 1, parse_xml(f"<w:p {nsdecls('w')}>{xml}</w:p>"))


def test_headings_tables_and_title() -> None:
    document = docx.Document()
    document.add_paragraph("Travel Expense Policy", style="Title")
    document.add_heading("Meals", 1)
    document.add_paragraph("A meal is paid up to the daily rate.")
    document.add_heading("Rates", 2)
    table = document.add_table(2, 3)
    for cell, text in zip(
        [cell for row in table.rows for cell in row.cells],
        ["Country", "Breakfast", "Dinner", "France", "12.50 €", "two\nlines"],
        strict=True,
    ):
        cell.text = text
    parsed = _parsed(document, "document.docx")
    assert parsed.title == "Travel Expense Policy"
    [page] = parsed.pages
    assert page.text == (
        "Travel Expense Policy\n\nMeals\n\nA meal is paid up to the daily rate.\n\nRates\n\n"
        "| Country | Breakfast | Dinner |\n| France | 12.50 € | two lines |"
    )
    assert [(one.level, one.title) for one in parsed.outline] == [(1, "Meals"), (2, "Rates")]
    for one in parsed.outline:
        assert one.start is not None
        assert page.text.startswith(one.title, one.start)


def test_passages_know_their_headings_and_are_slices() -> None:
    document = docx.Document()
    for title in ("Payment", "Delivery", "Termination"):
        document.add_heading(title, 1)
        document.add_paragraph(f"{title} is due within {len(title)} days. " * 40)
    parsed = _parsed(document)
    chunks = chunk_document(parsed)
    assert [chunk.heading for chunk in chunks] == ["Payment", "Delivery", "Termination"]
    for chunk in chunks:
        assert chunk.text == parsed.pages[chunk.page - 1].text[chunk.start : chunk.end]


def test_pages_are_those_that_were_drawn() -> None:
    document = docx.Document()
    document.add_paragraph("first").add_run().add_break(WD_BREAK.PAGE)
    _add_xml(document, "<w:r><w:lastRenderedPageBreak/><w:t>second begins </w:t></w:r>")
    _add_xml(
        document,
        "<w:r><w:t>a sentence that goes </w:t><w:lastRenderedPageBreak/><w:t>on.</w:t></w:r>",
    )
    document.add_paragraph("third").paragraph_format.page_break_before = False
    document.add_paragraph("fourth").paragraph_format.page_break_before = True
    document.add_section(WD_SECTION.NEW_PAGE)
    document.add_paragraph("fifth")
    assert [(page.number, page.text) for page in _parsed(document).pages] == [
        (1, "first"),
        (2, "second begins\n\na sentence that goes on."),
        (3, "third"),
        (4, "fourth"),
        (5, "fifth"),
    ]


def test_clauses_have_their_numbers() -> None:
    document = docx.Document()
    for style in ("List Number", "List Number", "List Bullet"):
        document.add_paragraph(f"a {style}", style=style)
    assert (
        _parsed(document).pages[0].text == "1. a List Number\n\n2. a List Number\n\n• a List Bullet"
    )


def test_numbers_have_levels_and_formats(word_file: bytes, repack: Repack) -> None:
    level = (
        '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/>'
        "</w:lvl>"
    )
    numbering = (
        f"<w:numbering {nsdecls('w')}><w:abstractNum w:abstractNumId='7'>"
        + level.format(0, 4, "decimal", "%1.")
        + level.format(1, 1, "decimal", "%1.%2")
        + level.format(2, 1, "lowerRoman", "(%3)")
        + "</w:abstractNum><w:num w:numId='3'><w:abstractNumId w:val='7'/></w:num></w:numbering>"
    )

    def paragraphs(xml: bytes) -> bytes:
        made = "".join(
            f'<w:p><w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="3"/></w:numPr></w:pPr>'
            f"<w:r><w:t>x</w:t></w:r></w:p>"
            for depth in (0, 1, 1, 2, 2, 0, 1)
        )
        return xml.replace(b"<w:body>", b"<w:body>" + made.encode())

    data = repack(
        word_file, {"word/numbering.xml": numbering.encode(), "word/document.xml": paragraphs}
    )
    text = parse(data, DOCX, "a.docx", Limits()).pages[0].text
    assert text.split("\n\n")[:-1] == [
        "4. x", "4.1 x", "4.2 x", "(i) x", "(ii) x", "5. x", "5.1 x",
    ]  # fmt: skip


def test_what_is_shown_counts() -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "HEADER"
    _add_xml(
        document,
        "<w:ins w:id='1' w:author='a'><w:r><w:t>inserted</w:t></w:r></w:ins>"
        "<w:del w:id='2' w:author='a'><w:r><w:delText>deleted</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<w:sdt><w:sdtContent><w:r><w:t xml:space='preserve'> and chosen</w:t></w:r></w:sdtContent>"
        "</w:sdt><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p>"
        "</w:txbxContent></w:pict></w:r>",
    )
    assert _parsed(document).pages[0].text == "inserted and chosen\n\nin a box"


def test_a_note_follows_its_paragraph(word_file: bytes, repack: Repack) -> None:
    relation = (
        b'<Relationship Id="rId99" Target="footnotes.xml" Type="http://schemas.openxmlformats.org/'
        b'officeDocument/2006/relationships/footnotes"/></Relationships>'
    )
    note = (
        f'<w:footnotes {nsdecls("w")}><w:footnote w:id="5"><w:p><w:r><w:t>Without tax.</w:t></w:r>'
        "</w:p></w:footnote></w:footnotes>"
    )
    data = repack(
        word_file,
        {
            "word/footnotes.xml": note.encode(),
            "word/_rels/document.xml.rels": lambda xml: xml.replace(b"</Relationships>", relation),
            "word/document.xml": lambda xml: xml.replace(
                b"euros.</w:t>", b'euros.</w:t><w:footnoteReference w:id="5"/>'
            ),
        },
    )
    text = parse(data, DOCX, "a.docx", Limits()).pages[0].text
    assert text == "The fee is 100 euros.\n\nFootnote: Without tax."
