"""A page of a PDF as a picture, and where its characters stand; only inside the sandboxed child."""

import ctypes
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2  # type: ignore[import-untyped] # ships no types
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]  # generated, untyped

from ingestion.errors import DocumentRejected
from ingestion.parse.align import align
from ingestion.parse.boxes import NOWHERE, PLACE, SCALE
from ingestion.parse.pdf_refusal import refusal
from ingestion.parse.wire import NO_SUCH_PAGE

MAX_PIXELS = 12_000_000
"""Of a picture: a page of A4 in 2,400 pixels' width has 8 million; PDFium draws 4 bytes each."""

MAX_CHARACTERS = 200_000
"""PDFium's characters of a page that are placed: the densest real page has some 20,000."""

MAX_SIDE = 16_000
"""Pixels of the longer side: a strip of 1 x 12,000,000 pixels is nothing to look at."""

_WHITE = 0xFFFFFFFF
_COMPRESSION = 6
"""Of zlib: 25 ms for a page of text in 1,000 pixels' width; 9 takes twice that for 3 percent."""

_FINE = 1_000_000
"""Side of the device that PDFium maps a page on, to learn how: it only gives whole numbers."""


def draw(data: bytes, number: int, width: int, password: str | None) -> bytes:
    """A page as a PNG, in grey where it holds no colour.

    Args:
        data: the PDF.
        number: the page, from 1.
        width: in pixels; less where the page is so high that it would be too many.
        password: what opens the file where it needs one.

    Raises:
        DocumentRejected: `encrypted`, `corrupt`, or `NO_SUCH_PAGE`.
    """
    with open_page(data, number, password, forms=True) as page:
        across, down = _pixels(page.get_width(), page.get_height(), width)
        bitmap = pypdfium2.PdfBitmap.new_native(across, down, pdfium_c.FPDFBitmap_BGR)
        pdfium_c.FPDFBitmap_FillRect(bitmap, 0, 0, across, down, _WHITE)
        flags = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER
        area = (0, 0, across, down, 0, flags)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, page, *area)
        if page.formenv is not None:  # what was filled in
            pdfium_c.FPDF_FFLDraw(page.formenv, bitmap, page, *area)
        pixels = bytes(bitmap.buffer)
        return _png(across, down, bitmap.stride, pixels)


def place(data: bytes, number: int, text: str, password: str | None) -> tuple[float, float, bytes]:
    """Where the characters of a page's stored text stand.

    Returns:
        the page's width and height in points as it is drawn, and a `PLACE` for each character of
        `text`; none at all where the page is too long.

    Raises:
        DocumentRejected: `encrypted`, `corrupt`, or `NO_SUCH_PAGE`.
    """
    with open_page(data, number, password, forms=False) as page:
        width, height = page.get_size()
        try:
            text_page = page.get_textpage()
        except pypdfium2.PdfiumError:  # another reader's text: nobody knows where it stands
            return width, height, b""
        count = max(0, pdfium_c.FPDFText_CountChars(text_page))
        if count > MAX_CHARACTERS:
            return width, height, b""
        codes = [pdfium_c.FPDFText_GetUnicode(text_page, index) for index in range(count)]
        measure = _Measure(page, text_page)
        places = (NOWHERE if one is None else measure.place(one) for one in align(text, codes))
        return width, height, b"".join(places)


@contextmanager
def open_page(data: bytes, number: int, password: str | None, *, forms: bool) -> Iterator[Any]:
    """An open page; raises like `draw`."""
    try:
        document = pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError as error:
        raise refusal(error.err_code, password) from error
    try:
        if not 0 < number <= len(document):
            raise DocumentRejected("The document has no such page.", code=NO_SUCH_PAGE)
        if forms:
            document.init_forms()
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError as error:
            raise refusal() from error
        yield page
    finally:
        document.close()


def _pixels(width: float, height: float, wanted: int) -> tuple[int, int]:
    """Size of a picture of about the page's proportions, inside the limits."""
    high = wanted * height / width
    most = min(1.0, MAX_SIDE / high, math.sqrt(MAX_PIXELS / (wanted * high)))
    return max(1, int(wanted * most)), max(1, int(high * most))


def _png(width: int, height: int, stride: int, pixels: bytes) -> bytes:
    """Rows of red, green and blue, `stride` bytes apart, as a PNG without filters.

    Text has few colours and long runs: filters make it larger (by a third, measured).
    """
    row = width * 3
    if stride != row:  # rows begin at multiples of 4
        ends = range(row, height * stride + 1, stride)
        pixels = b"".join(pixels[end - row : end] for end in ends)
    red = pixels[0::3]
    is_grey = red == pixels[1::3] == pixels[2::3]
    if is_grey:
        pixels, row = red, width
    packer = zlib.compressobj(_COMPRESSION)
    parts = [
        packer.compress(b"\0" + pixels[begin : begin + row])
        for begin in range(0, height * row, row)
    ]
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if is_grey else 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", b"".join([*parts, packer.flush()])),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


class _Measure:
    """Measures characters of one page, in the way it is turned and cut when it is drawn."""

    def __init__(self, page: Any, text_page: Any) -> None:
        self._text_page = text_page
        self._box = pdfium_c.FS_RECTF()
        far = max(page.get_size())
        self._from = _mapped(page, 0, 0)
        self._across = [
            (to - begin) / far for to, begin in zip(_mapped(page, far, 0), self._from, strict=True)
        ]
        self._up = [
            (to - begin) / far for to, begin in zip(_mapped(page, 0, far), self._from, strict=True)
        ]

    def place(self, index: int) -> bytes:
        """The `PLACE` of a character; `NOWHERE` when it has no size, or is outside of the page."""
        box = self._box
        if not pdfium_c.FPDFText_GetLooseCharBox(self._text_page, index, box):
            return NOWHERE
        x, y = zip(self._map(box.left, box.bottom), self._map(box.right, box.top), strict=True)
        sides = (min(x), min(y), max(x), max(y))
        if not all(math.isfinite(side) for side in sides):
            return NOWHERE
        left, top, right, bottom = (round(min(max(side, 0.0), 1.0) * SCALE) for side in sides)
        return PLACE.pack(left, top, right, bottom) if right > left and bottom > top else NOWHERE

    def _map(self, x: float, y: float) -> tuple[float, float]:
        """A point of the page as fractions of its width and height, from the top left."""
        begin, across, up = self._from, self._across, self._up
        return (
            begin[0] + x * across[0] + y * up[0],
            begin[1] + x * across[1] + y * up[1],
        )


def _mapped(page: Any, x: float, y: float) -> tuple[float, float]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, _FINE, _FINE, 0, x, y, across, down)
    return across.value / _FINE, down.value / _FINE
