"""Scans and pictures, with the models that the extra ships; about two seconds a page."""

import asyncio
import io
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext, suppress

import psutil
import pypdfium2  # type: ignore[import-untyped] # ships no types
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.load import JPEG, PDF, PNG, TEXT, TIFF, WEBP, is_supported, sniff
from ingestion.parse import images, recognise, sandbox
from ingestion.parse.children import Child
from ingestion.parse.limits import Limits
from ingestion.parse.sandbox import Sandbox, parse_in_child

MakePdf = Callable[[Sequence[str]], bytes]

LEASE = "Die Kündigung ist möglich.\nRent for May 900 euros"
PAGES = (LEASE, "The second page of the lease")


def _scanned(make_pdf: MakePdf, text: str) -> Image.Image:
    """A page as a scanner sees it."""
    document = pypdfium2.PdfDocument(make_pdf([text]))
    try:
        found: Image.Image = document[0].render(scale=2).to_pil()
        return found.crop((0, 0, found.width, 300))
    finally:
        document.close()


def _scan(make_pdf: MakePdf, *pages: str | None) -> bytes:
    """A PDF of pictures; None is a blank page."""
    out = io.BytesIO()
    canvas = Canvas(out)
    for text in pages:
        if text is not None:
            picture = _scanned(make_pdf, text)
            canvas.drawImage(ImageReader(picture), 0, 600, 595, 595 * 300 / picture.width)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _image(make_pdf: MakePdf, kind: str, *pages: str) -> bytes:
    first, *others = [_scanned(make_pdf, text) for text in pages]
    out = io.BytesIO()
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(out, kind, **more)
    return out.getvalue()


async def test_pages_without_text_are_recognised_and_others_are_not(make_pdf: MakePdf) -> None:
    writer = PdfWriter()
    for data in (make_pdf(["A page of text."]), _scan(make_pdf, LEASE, None)):
        for page in PdfReader(io.BytesIO(data)).pages:
            writer.add_page(page)
    out = io.BytesIO()
    writer.write(out)
    with closing(Sandbox()) as sandbox:
        parsed = await sandbox.parse(out.getvalue(), PDF, "lease.pdf")
    assert [page.text for page in parsed.document.pages] == ["A page of text.", LEASE, ""]
    assert [chunk.page for chunk in parsed.chunks] == [1, 2]


async def test_a_locked_scan_is_recognised_with_its_password(make_pdf: MakePdf) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(_scan(make_pdf, LEASE))))
    writer.encrypt("secret", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    parsed = await parse_in_child(out.getvalue(), PDF, "a.pdf", Limits(), password="secret")
    assert [page.text for page in parsed.document.pages] == [LEASE]


@pytest.mark.parametrize(
    ("kind", "filename", "media_type"),
    [("PNG", "a.png", PNG), ("JPEG", "a.jpeg", JPEG), ("WEBP", "a.webp", WEBP)],
)
async def test_a_picture_is_a_document_of_one_page(
    make_pdf: MakePdf, kind: str, filename: str, media_type: str
) -> None:
    data = _image(make_pdf, kind, LEASE)
    assert sniff(filename, data) == sniff("a.jpg", data) == media_type
    document = (await parse_in_child(data, media_type, filename, Limits())).document
    assert (document.media_type, [page.text for page in document.pages]) == (media_type, [LEASE])


async def test_a_fax_has_a_page_a_frame(make_pdf: MakePdf) -> None:
    data = _image(make_pdf, "TIFF", *PAGES)
    parsed = await parse_in_child(data, sniff("fax.tif", data), "fax.tif", Limits())
    assert parsed.document.media_type == TIFF
    assert [page.text for page in parsed.document.pages] == list(PAGES)


async def test_without_the_extra_its_name_is_told(
    make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "reads_pictures", lambda: False)
    for data, name in (
        (_scan(make_pdf, LEASE), "a.pdf"),
        (_image(make_pdf, "PNG", LEASE), "a.png"),
    ):
        with pytest.raises(DocumentRejected, match=r"aiconvokit\[ocr\]") as caught:
            await parse_in_child(data, sniff(name, data), name, Limits())
        assert caught.value.code == "no_text"


def test_folders_are_searched_for_pictures_where_they_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert is_supported("a.PNG")
    monkeypatch.setattr("ingestion.load.reads_pictures", lambda: False)
    assert not is_supported("a.PNG")


async def test_a_picture_without_words_has_no_text(make_pdf: MakePdf) -> None:
    data = _image(make_pdf, "PNG", "")
    with pytest.raises(DocumentRejected) as caught:
        await parse_in_child(data, PNG, "a.png", Limits())
    assert caught.value.code == "no_text"


async def test_a_page_that_takes_too_long_is_left_out(
    make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recognise, "WALL_SECONDS", 0.01)
    found = await recognise.recognise_pages(
        _scan(make_pdf, LEASE), PDF, [1], Limits(), None, nullcontext()
    )
    assert found == {1: ""}
    assert "1 of 1 pictures of pages could not be read" in caplog.text


async def test_a_document_of_too_many_pictures_is_refused_before_one_is_looked_at(
    make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start() -> Child:
        raise AssertionError

    monkeypatch.setattr(recognise, "_CHILD", start)
    monkeypatch.setattr(recognise, "MOST_PAGES", 1)
    with pytest.raises(DocumentTooComplex, match="2 scanned pages; at most 1") as caught:
        await parse_in_child(_scan(make_pdf, *PAGES), PDF, "a.pdf", Limits())
    assert caught.value.code == "too_many_pages"


async def test_scans_take_turns_page_by_page_and_other_files_wait_for_none(
    make_pdf: MakePdf,
) -> None:
    with closing(Sandbox(children=1)) as sandbox:
        async with asyncio.TaskGroup() as group:
            long = group.create_task(sandbox.parse(_scan(make_pdf, *PAGES * 2), PDF, "long.pdf"))
            await until(_is_recognising)
            scan = group.create_task(sandbox.parse(_scan(make_pdf, LEASE), PDF, "short.pdf"))
            await sandbox.parse(b"text", TEXT, "a.txt")
            assert not scan.done()
            assert [page.text for page in (await scan).document.pages] == [LEASE]
            assert not long.done()
            assert (await sandbox.parse(b"text", TEXT, "a.txt")).chunks
            assert [page.text for page in (await long).document.pages] == [*PAGES * 2]


def _is_recognising() -> bool:
    with suppress(psutil.Error):  # one ended between two questions
        children = psutil.Process().children()
        return any("ingestion.parse.recognition_child" in one.cmdline() for one in children)
    return False


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - no event there
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\x89PNG\r\n\x1a\n and nothing", "corrupt"), (b"II*\x00" + bytes(100), "corrupt")],
)
async def test_damaged_pictures(data: bytes, code: str) -> None:
    with pytest.raises(DocumentRejected) as caught:
        await parse_in_child(data, sniff("a.png", data), "a.png", Limits())
    assert caught.value.code == code


async def test_a_picture_of_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    Image.new("1", (12_000, 10_000)).save(out, "PNG")
    assert len(out.getvalue()) < 100_000
    with pytest.raises(DocumentTooComplex) as caught:
        await parse_in_child(out.getvalue(), PNG, "a.png", Limits())
    assert caught.value.code == "too_complex"
    assert images.MAX_PIXELS < 120_000_000
