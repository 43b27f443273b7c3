"""Pages drawn by the real child, and words found on them again."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence

import pytest
from pypdf import PdfWriter
from pypdf.generic import NameObject, NumberObject, RectangleObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from ingestion.errors import DocumentRejected, DocumentTooComplex, ParserCrashed
from ingestion.load import PDF
from ingestion.parse import registry
from ingestion.parse.boxes import Box, boxes_of
from ingestion.parse.drawing import draw_in_child, place_in_child
from ingestion.parse.limits import MB, Limits
from ingestion.parse.picture import MAX_PIXELS, MAX_SIDE

MakePdf = Callable[[Sequence[str]], bytes]
MakeBomb = Callable[[bytes, int], bytes]
Rewrite = Callable[[bytes, Callable[[PdfWriter], None]], bytes]

PAGE = "The first line of it.\nA second line, with a quote.\nAnd a third one."
QUOTE = "second line"
LIMITS = Limits(cpu_seconds=10, wall_seconds=20, wall_seconds_per_page=0)
WIDTH, HEIGHT = A4
_PAINT = b"q 0 0 600 700 re f Q " * 3_000_000  # 12 seconds of painting in 2 kB


def _header(png: bytes) -> tuple[int, int, int]:
    """Width, height and kind of colour: 0 grey, 2 colours."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    return width, height, colour


def _grey(png: bytes) -> list[bytes]:
    """Rows of a grey picture."""
    width, height, colour = _header(png)
    assert colour == 0
    (length,) = struct.unpack(">I", png[33:37])
    raw = zlib.decompress(png[41 : 41 + length])
    return [
        raw[begin + 1 : begin + 1 + width] for begin in range(0, height * (width + 1), width + 1)
    ]


def _ink(png: bytes, box: Box) -> float:
    """Share of dark pixels in a box."""
    rows = _grey(png)
    width, height = len(rows[0]), len(rows)
    top, bottom = int(box.y * height), int((box.y + box.height) * height)
    left, right = int(box.x * width), int((box.x + box.width) * width)
    inside = b"".join(row[left:right] for row in rows[top:bottom])
    return sum(value < 128 for value in inside) / max(1, len(inside))


async def _boxes(data: bytes, quote: str, page: int = 1) -> list[Box]:
    """Boxes of a quote in the text that the parser stored."""
    text = registry.parse(data, PDF, "a.pdf", LIMITS).pages[page - 1].text
    placed = await place_in_child(data, page, text, LIMITS)
    begin = text.index(quote)
    size = (placed.width, placed.height)
    return boxes_of(placed.places, size, text, begin, begin + len(quote))


def _drawn(draw: Callable[[Canvas], None], size: tuple[float, float] = A4) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=size)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


async def test_a_page_is_a_picture_of_the_asked_width(make_pdf: MakePdf) -> None:
    data = make_pdf([PAGE, "Another page."])
    first = await draw_in_child(data, 1, 600, LIMITS)
    assert _header(first) == (600, int(600 * HEIGHT / WIDTH), 0)
    assert first != await draw_in_child(data, 2, 600, LIMITS)
    assert _header(await draw_in_child(data, 1, 1_400, LIMITS))[0] == 1_400


async def test_colours_are_kept() -> None:
    def red(canvas: Canvas) -> None:
        canvas.setFillColorRGB(1, 0, 0)
        canvas.rect(0, 0, WIDTH, HEIGHT, fill=1, stroke=0)

    png = await draw_in_child(_drawn(red), 1, 203, LIMITS)  # rows are padded to 4 bytes
    width, _, colour = _header(png)
    (length,) = struct.unpack(">I", png[33:37])
    row = zlib.decompress(png[41 : 41 + length])[: 1 + 3 * width]
    assert (colour, row) == (2, b"\0" + b"\xff\0\0" * width)


async def test_words_are_marked_where_they_are_drawn(make_pdf: MakePdf) -> None:
    data = make_pdf([PAGE])
    (box,) = await _boxes(data, QUOTE)
    baseline = 800 - 12  # of the second line: see make_pdf
    assert 1 - (baseline + 10) / HEIGHT <= box.y <= 1 - (baseline + 5) / HEIGHT
    assert 0.005 < box.height < 0.02
    assert box.x > 50 / WIDTH
    assert box.x + box.width < 200 / WIDTH
    assert _ink(await draw_in_child(data, 1, 1_000, LIMITS), box) > 0.08


async def test_one_box_a_line(make_pdf: MakePdf) -> None:
    found = await _boxes(make_pdf([PAGE]), PAGE)
    assert len(found) == 3
    assert [box.y for box in found] == sorted(box.y for box in found)
    assert [box.x for box in found] == pytest.approx([50 / WIDTH] * 3, abs=0.01)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
async def test_turned_and_cut_pages(make_pdf: MakePdf, rewrite: Rewrite, turn: int) -> None:
    def change(writer: PdfWriter) -> None:
        page = writer.pages[0]
        page[NameObject("/CropBox")] = RectangleObject((40, 600, 440, 830))
        page[NameObject("/Rotate")] = NumberObject(turn)

    data = rewrite(make_pdf([PAGE]), change)
    png = await draw_in_child(data, 1, 800, LIMITS)
    width, height, _ = _header(png)
    assert width / height == pytest.approx(400 / 230 if turn % 180 == 0 else 230 / 400, rel=0.01)
    (box,) = await _boxes(data, QUOTE)
    assert _ink(png, box) > 0.08
    assert (box.width > box.height) is (turn % 180 == 0)
    left, top = {0: (0, 0), 90: (1, 0), 180: (1, 1), 270: (0, 1)}[turn]  # near which corner it is
    assert abs(left - box.x - box.width / 2) < 0.5
    assert abs(top - box.y - box.height / 2) < 0.5


async def test_lines_that_are_written_upwards() -> None:
    def upwards(canvas: Canvas) -> None:
        canvas.rotate(90)
        canvas.drawString(100, -300, "A remark at the side of the page.")

    (box,) = await _boxes(_drawn(upwards), "remark at the side")
    assert box.height > 5 * box.width * WIDTH / HEIGHT


async def test_cells_of_a_row_are_boxes_of_their_own() -> None:
    def row(canvas: Canvas) -> None:
        canvas.drawString(50, 700, "Revenue")
        canvas.drawString(450, 700, "4,812.4")

    found = await _boxes(_drawn(row), "Revenue 4,812.4")
    assert [round(box.x * WIDTH) for box in found] == [50, 450]


async def test_words_outside_of_the_page_have_no_boxes() -> None:
    def outside(canvas: Canvas) -> None:
        canvas.drawString(50, 700, "Inside of it.")
        canvas.drawString(50, -500, "Outside of it.")

    data = _drawn(outside)
    placed = await place_in_child(data, 1, "Inside of it.\nOutside of it.", LIMITS)
    found = boxes_of(placed.places, (WIDTH, HEIGHT), "Inside of it.\nOutside of it.", 0, 28)
    assert len(found) == 1


async def test_another_text_than_the_pages_has_no_boxes(make_pdf: MakePdf) -> None:
    text = "Words that nobody wrote there; quite a few of them."
    placed = await place_in_child(make_pdf([PAGE]), 1, text, LIMITS)
    assert boxes_of(placed.places, (placed.width, placed.height), text, 0, len(text)) == []


async def test_a_page_of_too_many_characters_has_no_boxes(make_pdf: MakePdf) -> None:
    text = "word " * 50_000
    placed = await place_in_child(make_pdf([PAGE]), 1, text, LIMITS)
    assert boxes_of(placed.places, (placed.width, placed.height), text, 0, 10) == []


@pytest.mark.parametrize("size", [(200_000.0, 300_000.0), (3.0, 14_000.0), (14_000.0, 1.0)])
async def test_huge_and_odd_pages_are_small_pictures(size: tuple[float, float]) -> None:
    data = _drawn(lambda canvas: canvas.drawString(1, 1, "x"), size)
    width, height, _ = _header(await draw_in_child(data, 1, 2_400, LIMITS))
    assert width * height <= MAX_PIXELS
    assert 1 <= max(width, height) <= MAX_SIDE


@pytest.mark.parametrize("page", [0, -1, 3, 2**40])
async def test_a_page_that_is_not_there(make_pdf: MakePdf, page: int) -> None:
    data = make_pdf(["one", "two"])
    with pytest.raises(DocumentRejected) as caught:
        await draw_in_child(data, page, 200, LIMITS)
    assert caught.value.code == "no_such_page"
    with pytest.raises(DocumentRejected) as caught:
        await place_in_child(data, page, "one", LIMITS)
    assert caught.value.code == "no_such_page"


async def test_what_cannot_be_opened_is_refused(make_pdf: MakePdf, rewrite: Rewrite) -> None:
    locked = rewrite(make_pdf([PAGE]), lambda writer: writer.encrypt("secret"))
    assert _header(await draw_in_child(locked, 1, 200, LIMITS, "secret"))[0] == 200
    placed = await place_in_child(locked, 1, PAGE, LIMITS, "secret")
    assert len(placed.places) > 0
    for data, code in ((locked, "encrypted"), (b"%PDF-1.7 and nothing", "corrupt")):
        with pytest.raises(DocumentRejected) as caught:
            await draw_in_child(data, 1, 200, LIMITS)
        assert caught.value.code == code


async def test_a_file_that_opens_without_a_password_is_drawn(
    make_pdf: MakePdf, rewrite: Rewrite
) -> None:
    def protect(writer: PdfWriter) -> None:
        writer.encrypt("", "owner", algorithm="AES-256")

    data = rewrite(make_pdf([PAGE]), protect)
    assert _header(await draw_in_child(data, 1, 200, LIMITS))[0] == 200
    assert len(await _boxes(data, QUOTE)) == 1


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(cpu_seconds=1, wall_seconds=20), "timeout"),
        (Limits(cpu_seconds=10, wall_seconds=1.0, wall_seconds_per_page=0), "timeout"),
        (Limits(memory_bytes=130 * MB), "memory"),
    ],
)
async def test_limits_stop_a_page(make_bomb: MakeBomb, limits: Limits, code: str) -> None:
    with pytest.raises((DocumentTooComplex, ParserCrashed)) as caught:
        await draw_in_child(make_bomb(_PAINT, 1), 1, 2_400, limits)
    assert caught.value.code == code
