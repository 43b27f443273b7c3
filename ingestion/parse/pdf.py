"""PDF: PDFium reads the text, pypdf the structure, and each covers for the other."""

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Protocol

import pypdfium2  # type: ignore[import-untyped] # ships no types
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]  # generated, untyped

from ingestion.documents import Page, ParsedDocument
from ingestion.load import PDF
from ingestion.parse import pdf_structure
from ingestion.parse.aids import Aids, Unread, no_words
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_pages
from ingestion.parse.pdf_refusal import refusal
from ingestion.parse.progress import PagesKnown, check_characters, check_pages
from ingestion.parse.titles import choose_title


class _Document(Sized, Protocol):
    """What is used of `pypdfium2.PdfDocument`."""

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(slots=True)
class _Raw:
    """Page texts, and the indexes of pages without any."""

    texts: list[str]
    failed: list[int] = field(default_factory=list)
    """PDFium cannot read them."""
    pictures: list[int] = field(default_factory=list)
    """Something is drawn on them."""


def parse(
    data: bytes, filename: str, limits: Limits, known: PagesKnown, aids: Aids
) -> ParsedDocument:
    """Read a PDF, with its password where it needs one.

    Raises:
        DocumentRejected: `encrypted` (needs a password), `corrupt` or `no_text` (a scan).
        DocumentTooComplex: a limit was hit.
        Unread: the words on some pages are to be recognised first.
    """
    raw = _read(data, limits, known, aids.password)
    if raw.pictures and aids.texts is not None:
        _add_recognised(raw, aids.texts, limits)
    texts = clean_pages(raw.texts)
    if not any(texts):
        raise no_words("No page of the PDF holds text; it is probably a scan.", aids)
    structure = pdf_structure.read(data, limits, aids.password)
    labels = dict(enumerate(structure.labels, 1))
    pages = (Page(number, labels.get(number), text) for number, text in enumerate(texts, 1))
    return ParsedDocument(
        PDF, choose_title(filename, structure.title), tuple(pages), structure.outline
    )


def _add_recognised(raw: _Raw, recognised: Mapping[int, str], limits: Limits) -> None:
    if not recognised:
        raise Unread([index + 1 for index in raw.pictures])
    for index in raw.pictures:
        raw.texts[index] = recognised.get(index + 1, "")
    check_characters(sum(map(len, raw.texts)), limits)


def _read(data: bytes, limits: Limits, known: PagesKnown, password: str | None) -> _Raw:
    """From PDFium if it can open the file, else from pypdf."""
    try:
        document = pypdfium2.PdfDocument(data, password=password)
    except pypdfium2.PdfiumError as error:
        texts = pdf_structure.read_texts(data, limits, known, password)
        if texts is not None:
            return _Raw(texts)
        raise refusal(error.err_code, password) from error
    try:
        raw = _read_with_pdfium(document, limits, known)
    finally:
        document.close()
    for index, text in pdf_structure.read_pages(data, raw.failed, limits, password).items():
        raw.texts[index] = text
    return raw


def _read_with_pdfium(document: _Document, limits: Limits, known: PagesKnown) -> _Raw:
    check_pages(len(document), limits)
    known(len(document))
    raw = _Raw([])
    characters = 0
    for index in range(len(document)):
        text, is_picture = _page_text(document, index)
        if text is None:
            raw.failed.append(index)
        elif is_picture:
            raw.pictures.append(index)
        raw.texts.append(text or "")
        characters += len(raw.texts[-1])
        check_characters(characters, limits)
    return raw


def _page_text(document: _Document, index: int) -> tuple[str | None, bool]:
    """The text in PDFium's order, None when the page cannot be read; and whether it is a picture.

    `get_text_range`, because `get_text_bounded` drops some line breaks and glues the words.
    """
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None, False
    try:
        text = str(text_page.get_text_range())
        return text, not text.strip() and pdfium_c.FPDFPage_CountObjects(page) > 0
    finally:
        text_page.close()
        page.close()
