"""Pictures as documents: a page, or a page a frame (a fax); their words come from recognition."""

import io
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from ingestion.documents import Page, ParsedDocument
from ingestion.errors import DocumentRejected, DocumentTooComplex
from ingestion.parse import package
from ingestion.parse.aids import Aids, Unread, no_words
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_pages
from ingestion.parse.progress import PagesKnown, check_characters, check_pages
from ingestion.parse.titles import choose_title

MAX_PIXELS = 100_000_000
"""A page of A3 in 600 dots an inch has 70 million."""

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP")
Image.MAX_IMAGE_PIXELS = None  # ours is told in words


def parse(
    data: bytes, filename: str, limits: Limits, known: PagesKnown, aids: Aids
) -> ParsedDocument:
    """Read a picture.

    Raises:
        DocumentRejected: `corrupt`, or `no_text`.
        DocumentTooComplex: a limit was hit.
        Unread: its words are to be recognised first.
    """
    with package.damaged(), _open(data) as image:
        media_type = Image.MIME[image.format or ""]
        frames: int = getattr(image, "n_frames", 1)
    check_pages(frames, limits)
    known(frames)
    if aids.texts is not None and not aids.texts:
        raise Unread(list(range(1, frames + 1)))
    found = aids.texts or {}
    texts = clean_pages(found.get(number, "") for number in range(1, frames + 1))
    check_characters(sum(map(len, texts)), limits)
    if not any(texts):
        raise no_words("The file is a picture.", aids)
    pages = tuple(Page(number, None, text) for number, text in enumerate(texts, 1))
    return ParsedDocument(media_type, choose_title(filename, ""), pages)


def page(data: bytes, number: int, sides: tuple[int, int]) -> Any:
    """A frame as a Pillow image in colour, the right way up, within two sides in pixels.

    Raises:
        DocumentRejected: `corrupt`.
        DocumentTooComplex: it has too many pixels.
    """
    with package.damaged(), _open(data) as image:
        image.seek(number - 1)
        image.draft("RGB", sides)  # a JPEG is made smaller while it is unpacked
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail(sides)
        return upright.convert("RGB")


def _open(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise DocumentRejected("The picture is damaged.", code="corrupt") from error
    if image.width * image.height > MAX_PIXELS:
        raise DocumentTooComplex(f"The picture has more than {MAX_PIXELS:,} pixels.")
    return image
