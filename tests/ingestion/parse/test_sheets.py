import datetime as dt
import io
from collections.abc import Callable, Mapping

import openpyxl
import pytest

from ingestion.chunk import chunk_document
from ingestion.documents import ParsedDocument
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import XLSX
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.parse.sandbox import parse_in_child
from ingestion.parse.sheet_values import shown

_SHEET = "xl/worksheets/sheet1.xml"

Repack = Callable[[bytes, Mapping[str, bytes | Callable[[bytes], bytes]]], bytes]


def _saved(workbook: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _workbook(*sheets: str) -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for sheet in sheets:
        workbook.create_sheet(sheet)
    return workbook


def _parsed(workbook: openpyxl.Workbook) -> ParsedDocument:
    return parse(_saved(workbook), XLSX, "Budget.xlsx", Limits())


def test_a_sheet_is_a_page_and_its_name_a_heading() -> None:
    workbook = _workbook("Prices", "Rates", "Empty")
    prices, rates, _ = workbook.worksheets
    rates.sheet_state = "hidden"
    for sheet in (prices, rates):
        sheet.append(["Item", "Since", "Share"])
        sheet.append(["Anvil", dt.date(2024, 3, 1), 0.125])
        sheet["C2"].number_format = "0.0%"
    document = _parsed(workbook)
    text = "| Item | Since | Share |\n| Anvil | 2024-03-01 | 12.5% |"
    assert [(page.number, page.label, page.text) for page in document.pages] == [
        (1, "Prices", text),
        (2, "Rates (hidden)", text),
        (3, "Empty", ""),
    ]
    chunks = chunk_document(document)
    assert [chunk.context for chunk in chunks] == ["Budget > Prices", "Budget > Rates"]
    assert [chunk.text for chunk in chunks] == [text, text]


def test_a_row_that_begins_every_sheet_is_no_page_header() -> None:
    workbook = _workbook(*(f"Month {number}" for number in range(1, 6)))
    for sheet in workbook.worksheets:
        sheet.append(["Item", "Cost"])
        sheet.append(["Rent", 900])
    chunks = chunk_document(_parsed(workbook))
    assert [chunk.text for chunk in chunks] == ["| Item | Cost |\n| Rent | 900 |"] * 5


def test_a_long_sheet_goes_on_on_further_pages() -> None:
    workbook = _workbook("Log")
    for number in range(4_000):
        workbook.worksheets[0].append([number, f"event {number} of a long day"])
    document = _parsed(workbook)
    assert [page.label for page in document.pages] == ["Log", "Log (2)", "Log (3)"]
    lines = [line for page in document.pages for line in page.text.split("\n")]
    assert lines == [f"| {number} | event {number} of a long day |" for number in range(4_000)]
    chunks = chunk_document(document)
    assert {chunk.heading for chunk in chunks} == {"Log"}
    for chunk in chunks:
        assert chunk.text == document.pages[chunk.page - 1].text[chunk.start : chunk.end]


def test_formulas_show_what_they_came_to(repack: Repack) -> None:
    workbook = _workbook("A")
    workbook.worksheets[0].append(["Total", "=6*7"])
    calculated = {_SHEET: lambda xml: xml.replace(b"</f><v></v>", b"</f><v>42</v>")}
    data = repack(_saved(workbook), calculated)
    assert parse(data, XLSX, "a.xlsx", Limits()).pages[0].text == "| Total | 42 |"


async def test_a_sheet_that_claims_to_be_endless_is_read_by_its_cells(repack: Repack) -> None:
    workbook = _workbook("A")
    workbook.worksheets[0]["A1"] = "first"
    workbook.worksheets[0]["C1048576"] = "last"
    changed = repack(
        _saved(workbook),
        {_SHEET: lambda xml: xml.replace(b"A1:C1048576", b"A1:XFD1048576")},
    )
    parsed = await parse_in_child(changed, XLSX, "a.xlsx", Limits())
    assert parsed.document.pages[0].text == "| first |\n|  |  | last |"


def test_a_sheet_of_broken_xml_is_corrupt(repack: Repack) -> None:
    changed = repack(_saved(_workbook("A")), {_SHEET: b"<worksheet <"})
    with pytest.raises(DocumentRejected) as caught:
        parse(changed, XLSX, "a.xlsx", Limits())
    assert caught.value.code == "corrupt"


async def test_a_row_beyond_all_sheets_is_not_waited_for(repack: Repack) -> None:
    workbook = _workbook("A")
    workbook.worksheets[0].append(["first"])
    workbook.worksheets[0].append(["second"])
    changed = repack(
        _saved(workbook),
        {_SHEET: lambda xml: xml.replace(b'<row r="2"', b'<row r="9999999999999"')},
    )
    parsed = await parse_in_child(changed, XLSX, "a.xlsx", Limits())
    assert parsed.document.pages[0].text == "| first |"


async def test_a_string_used_again_and_again_is_stopped_by_its_characters(repack: Repack) -> None:
    cells = b"".join(b'<row r="%d"><c t="s"><v>0</v></c></row>' % row for row in range(1, 20_000))
    namespace = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    strings = b"<sst %s><si><t>%s</t></si></sst>" % (namespace, b"words " * 5_000)
    override = (
        b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
        b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    )
    data = repack(
        _saved(_workbook("A")),
        {
            _SHEET: b"<worksheet %s><sheetData>%s</sheetData></worksheet>" % (namespace, cells),
            "xl/sharedStrings.xml": strings,
            "[Content_Types].xml": lambda xml: xml.replace(b"</Types>", override),
        },
    )
    with pytest.raises(DocumentTooComplex, match="20,000,000 characters"):
        await parse_in_child(data, XLSX, "a.xlsx", Limits())


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (1234.5, "General", "1234.5"),
        (0.1 + 0.2, "General", "0.3"),
        (1234567, "#,##0", "1,234,567"),
        (0.0725, "0.00%", "7.25%"),
        (1234.5, '#,##0.00\\ "€"', "1,234.50 €"),
        (1234.5, "[$€-407]#,##0.00", "€1,234.50"),
        (-5, "$#,##0_);($#,##0)", "($5)"),
        (-5, '"$"#,##0.00', "-$5.00"),
        (-0.001, "0.0", "0.0"),
        (5.5, "0.##", "5.5"),
        (1_500_000, '0.0,,"M"', "1.5M"),
        (0.5, "# ?/?", "0.5"),
        (12345.678, "0.00E+00", "12345.678"),
        (7, "00000", "00007"),
        (True, "General", "TRUE"),
        (dt.datetime(2024, 3, 1, 9, 30), "yyyy", "2024-03-01 09:30:00"),  # noqa: DTZ001 - as read
        (dt.datetime(2024, 3, 1), "yyyy", "2024-03-01"),  # noqa: DTZ001 - cells have no zone
        (dt.time(9, 30), "h:mm", "09:30:00"),
        (dt.timedelta(hours=26), "[h]:mm", "1 day, 2:00:00"),
        ("#N/A", "General", "#N/A"),
    ],
)
def test_values_are_shown_much_as_the_program_does(
    value: object, number_format: str, text: str
) -> None:
    assert shown(value, number_format) == text
