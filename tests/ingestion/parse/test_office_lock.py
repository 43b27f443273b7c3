import io
from collections.abc import Callable

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile  # type: ignore[import-untyped] # ships no types

from ingestion.errors import DocumentRejected
from ingestion.load import DOCX, XLSX, sniff
from ingestion.parse.aids import Aids
from ingestion.parse.limits import Limits
from ingestion.parse.registry import parse
from ingestion.parse.sandbox import parse_in_child

PASSWORD = "Größe 9 <&> 秘"


def _locked(data: bytes) -> bytes:
    """As Office locks it since 2010."""
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(PASSWORD, out)
    return out.getvalue()


async def test_a_locked_document_is_read_with_its_password(word_file: bytes) -> None:
    locked = _locked(word_file)
    assert sniff("a.docx", locked) == DOCX
    parsed = await parse_in_child(locked, DOCX, "a.docx", Limits(), password=PASSWORD)
    assert [page.text for page in parsed.document.pages] == ["The fee is 100 euros."]


def test_a_locked_workbook_too() -> None:
    workbook = openpyxl.Workbook()
    workbook.create_sheet("Fees").append(["Rent", 900])
    out = io.BytesIO()
    workbook.save(out)
    document = parse(_locked(out.getvalue()), XLSX, "a.xlsx", Limits(), aids=Aids(PASSWORD))
    assert document.pages[-1].text == "| Rent | 900 |"


@pytest.mark.parametrize(
    ("password", "says"),
    [(None, "needs a password"), ("", "needs a password"), ("wrong", "another password")],
)
def test_without_the_right_password_it_stays_locked(
    word_file: bytes, password: str | None, says: str
) -> None:
    with pytest.raises(DocumentRejected, match=says) as caught:
        parse(_locked(word_file), DOCX, "a.docx", Limits(), aids=Aids(password))
    assert caught.value.code == "encrypted"
    assert not password or password not in caught.value.detail.replace("another", "")


def test_what_is_inside_is_looked_at_like_any_other(word_file: bytes) -> None:
    with pytest.raises(DocumentRejected, match="is a Word document") as caught:
        parse(_locked(word_file), XLSX, "a.xlsx", Limits(), aids=Aids(PASSWORD))
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("change", [lambda data: data[:4_000], lambda data: data[:3_000] * 2])
def test_damage_is_told(word_file: bytes, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DocumentRejected) as caught:
        parse(change(_locked(word_file)), DOCX, "a.docx", Limits(), aids=Aids(PASSWORD))
    assert caught.value.code in {"corrupt", "unsupported", "encrypted"}


def test_a_password_for_a_file_without_one_is_no_hindrance(word_file: bytes) -> None:
    assert parse(word_file, DOCX, "a.docx", Limits(), aids=Aids(PASSWORD)).pages
