import pytest

from ingestion.encodings import UTF_8, WESTERN, decode, encoding_of, is_text
from ingestion.errors import DocumentRejected


@pytest.mark.parametrize(
    "text",
    [
        "Größe",
        "Umsätze und Erträge der Gesellschaft, „geprüft“",
        "L\u2019été, à l\u2019hôtel — 20 € la nuit… «déjà vu» : où ?",
        "Condições de utilização, não é",
        "¿Cuánto cuesta? 5 m² a 20 °C",
        "Ångström, smørrebrød",
    ],
)
def test_western_office_files_are_read(text: str) -> None:
    data = text.encode("cp1252")
    assert encoding_of(data) == WESTERN
    assert is_text(data)
    assert decode(data) == text


@pytest.mark.parametrize(
    "data",
    [
        "Договор купли-продажи".encode("cp1251"),
        "Договор купли-продажи".encode("koi8-r"),
        "Договор купли-продажи".encode("cp866"),
        "Συμφωνία μίσθωσης κατοικίας".encode("cp1253"),
        "Umowa została podpisana, płatność była późniejsza".encode("iso-8859-2"),
        "これはテストです。契約書".encode("shift_jis"),
        "これはテストです。契約書".encode("euc-jp"),
        "合同的付款条件".encode("gb18030"),
        "Größe und Länge".encode() + b"\xff",
        "Größe".encode("utf-16-le"),
        bytes(range(256)) * 4,
    ],
)
def test_other_encodings_are_not_guessed(data: bytes) -> None:
    assert not is_text(data)


def test_unicode_wins() -> None:
    assert encoding_of("Größe".encode()) == UTF_8
    assert decode("Größe".encode("utf-16")) == decode("Größe".encode("utf-8-sig")) == "Größe"
    with pytest.raises(DocumentRejected, match="Save it as UTF-8"):
        decode("Größe".encode() + b"\xff\xff\xff")
