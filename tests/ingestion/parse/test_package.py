"""Hostile, damaged and mistaken Office documents, as strangers send them: into the child."""

import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO

import pytest

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import DOCX, PPTX, XLSX, sniff
from ingestion.parse.limits import MB, Limits
from ingestion.parse.registry import parse
from ingestion.parse.sandbox import parse_in_child

Repack = Callable[[bytes, Mapping[str, bytes | Callable[[bytes], bytes]]], bytes]

_DOCUMENT = "word/document.xml"
_SECRET = "only the file system knows this"


async def _refusal(
    data: bytes, media_type: str = DOCX, limits: Limits | None = None
) -> DocumentRejected:
    with pytest.raises(DocumentRejected) as caught:
        await parse_in_child(data, media_type, "a.docx", limits or Limits())
    return caught.value


async def test_an_archive_bomb_is_never_unpacked(word_file: bytes, repack: Repack) -> None:
    bomb = repack(word_file, {"word/media/a.xml": b"\0" * 30 * MB})
    assert len(bomb) < MB
    refusal = await _refusal(bomb)
    assert refusal.code == "too_complex"
    assert "200 times" in refusal.detail


@pytest.mark.parametrize(
    ("limits", "says"),
    [(Limits(unpacked_bytes=1_000), "unpacks"), (Limits(archive_entries=3), "3 parts")],
)
async def test_sizes_and_numbers_are_capped(word_file: bytes, limits: Limits, says: str) -> None:
    refusal = await _refusal(word_file, limits=limits)
    assert isinstance(refusal, DocumentTooComplex)
    assert says in refusal.detail


@pytest.mark.parametrize("padding", [0, 200_000])
async def test_entities_are_refused(word_file: bytes, repack: Repack, padding: int) -> None:
    declared = b"<!--%s--><!DOCTYPE x [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>" % (
        b"-x" * padding
    )

    def attack(xml: bytes) -> bytes:
        head, _, body = xml.partition(b"?>")
        return head + b"?>" + declared + body.replace(b"The fee", b"&x;")

    refusal = await _refusal(repack(word_file, {_DOCUMENT: attack}))
    assert refusal.code == "corrupt"
    assert "entities" in refusal.detail


async def test_what_lies_outside_is_not_fetched(
    word_file: bytes, repack: Repack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "styles.xml"
    outside.write_text(_SECRET)

    def point_outside(xml: bytes) -> bytes:
        return xml.replace(
            b'Target="styles.xml"', b'TargetMode="External" Target="%s"' % outside.as_uri().encode()
        )

    changed = repack(word_file, {"word/_rels/document.xml.rels": point_outside})
    assert b"External" in zipfile.ZipFile(BytesIO(changed)).read("word/_rels/document.xml.rels")
    parsed = await parse_in_child(changed, DOCX, "a.docx", Limits())
    assert [page.text for page in parsed.document.pages] == ["The fee is 100 euros."]


async def test_a_part_that_is_named_by_a_path_stays_a_part(
    word_file: bytes, repack: Repack
) -> None:
    changed = repack(word_file, {"../../../tmp/evil.xml": b"<x/>", "/etc/passwd": b"x"})
    parsed = await parse_in_child(changed, DOCX, "a.docx", Limits())
    assert parsed.document.pages[0].text == "The fee is 100 euros."


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
async def test_half_a_file_is_corrupt(word_file: bytes, kept: float) -> None:
    assert (await _refusal(word_file[: int(len(word_file) * kept)])).code == "corrupt"


@pytest.mark.parametrize("content", [b"", b"<w:document", b"\xff\xfe", b"<x/>"])
async def test_a_broken_part_is_corrupt(word_file: bytes, repack: Repack, content: bytes) -> None:
    assert (await _refusal(repack(word_file, {_DOCUMENT: content}))).code == "corrupt"


def test_an_office_document_called_another_is_refused(word_file: bytes) -> None:
    for media_type in (PPTX, XLSX):
        with pytest.raises(DocumentRejected, match="is a Word document") as caught:
            parse(word_file, media_type, "a", Limits())
        assert caught.value.code == "unsupported"


def test_an_archive_called_docx_is_refused() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(DocumentRejected, match="no Office document") as caught:
        parse(out.getvalue(), sniff("a.docx", out.getvalue()), "a.docx", Limits())
    assert caught.value.code == "unsupported"


def test_macros_are_no_hindrance(word_file: bytes, repack: Repack) -> None:
    def with_macros(xml: bytes) -> bytes:
        return xml.replace(
            b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            b"application/vnd.ms-word.document.macroEnabled.main+xml",
        )

    changed = repack(word_file, {"[Content_Types].xml": with_macros})
    document = parse(changed, sniff("a.docm", changed), "a.docm", Limits())
    assert document.pages[0].text == "The fee is 100 euros."


def test_the_reason_for_an_unknown_type_reaches_the_owner() -> None:
    with pytest.raises(DocumentRejected, match="old Office format") as caught:
        parse(b"\xd0\xcf\x11\xe0" + bytes(100_000), "application/octet-stream", "a.docx", Limits())
    assert caught.value.code == "unsupported"
