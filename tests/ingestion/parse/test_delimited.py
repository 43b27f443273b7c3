import pytest

from ingestion.chunk import chunk_document
from ingestion.errors import DocumentRejected
from ingestion.load import CSV, TSV
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse


def _text(data: bytes, filename: str = "a.csv") -> str:
    media_type = TSV if filename.endswith(".tsv") else CSV
    document = parse(data, media_type, filename, Limits())
    assert document.media_type == media_type
    return document.pages[0].text


_ROWS = "| Name | Price |\n| Anvil, large | 1,50 |"


@pytest.mark.parametrize(
    "data",
    [
        b'Name,Price\n"Anvil, large","1,50"\n',
        b"Name;Price\r\nAnvil, large;1,50\r\n",
        b"Name\tPrice\nAnvil, large\t1,50",
        b"Name|Price\nAnvil, large|1,50",
        b'sep=;\r\n"Name";"Price"\r\n"Anvil, large";"1,50"',
        'Name;Price\n"Anvil,\nlarge";1,50'.encode("utf-16"),
    ],
)
def test_every_delimiter_is_understood(data: bytes) -> None:
    assert _text(data) == _ROWS


def test_tabs_alone_part_a_tsv() -> None:
    assert _text(b"a,b\tc;d\ne,f\tg;h", "a.tsv") == "| a,b | c;d |\n| e,f | g;h |"


def test_office_code_page_is_read() -> None:
    assert _text("Straße;Größe\nMüllerstraße 5;12 m²\n".encode("cp1252")) == (
        "| Straße | Größe |\n| Müllerstraße 5 | 12 m² |"
    )


def test_empty_cells_keep_their_place() -> None:
    assert _text(b"a,b,c\n,2,\n,,\n1,,3") == "| a | b | c |\n|  | 2 |\n| 1 |  | 3 |"


def test_rows_stay_whole_and_passages_are_slices() -> None:
    rows = "\n".join(f"{number},article {number},{number * 7}.50" for number in range(300))
    document = parse(f"id,name,price\n{rows}".encode(), CSV, "list.csv", Limits())
    chunks = chunk_document(document)
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.text == document.pages[0].text[chunk.start : chunk.end]
        assert all(line[0] == line[-1] == "|" for line in chunk.text.split("\n"))


def test_a_quote_that_never_closes_is_told() -> None:
    with pytest.raises(DocumentRejected, match="quotation mark") as caught:
        _text(b'a,"b\n' + b"c,d\n" * 300_000)
    assert caught.value.code == "corrupt"
