"""PDF: PDFium reads the text, pypdf the structure, and each covers for the other."""

from collections.abc import Sized
from typing import Any, Protocol

import pypdfium2  # type: ignore[import-untyped] # ships no types

from ingestion.documents import Page, ParsedDocument
from ingestion.errors import DocumentRejected
from ingestion.load import PDF
from ingestion.parse import pdf_structure
from ingestion.parse.limits import Limits
from ingestion.parse.normalise import clean_pages
from ingestion.parse.pdf_refusal import refusal
from ingestion.parse.progress import PagesKnown, check_characters, check_pages
from ingestion.parse.titles import choose_title


class _Document(Sized, Protocol):
    """What is used of `pypdfium2.PdfDocument`."""

    def __getitem__(self, index: int, /) -> Any: ...


def parse(data: bytes, filename: str, limits: Limits, known: PagesKnown) -> ParsedDocument:
    """Read a PDF.

    Raises:
        DocumentRejected: `encrypted` (needs a password), `corrupt` or `no_text` (a scan).
        DocumentTooComplex: a limit was hit.
    """
    texts = clean_pages(_read(data, limits, known))
    if not any(texts):
        raise DocumentRejected(
            "No page of the PDF holds text; it is probably a scan. Images are not read: "
            "run text recognition (OCR) over the file and upload the result.",
            code="no_text",
        )
    structure = pdf_structure.read(data, limits)
    labels = dict(enumerate(structure.labels, 1))
    pages = (Page(number, labels.get(number), text) for number, text in enumerate(texts, 1))
    return ParsedDocument(
        PDF, choose_title(filename, structure.title), tuple(pages), structure.outline
    )


def _read(data: bytes, limits: Limits, known: PagesKnown) -> list[str]:
    """Raw page texts, from PDFium if it can open the file, else from pypdf."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        texts = pdf_structure.read_texts(data, limits, known)
        if texts is not None:
            return texts
        raise refusal(error.err_code) from error
    try:
        return _read_with_pdfium(document, data, limits, known)
    finally:
        document.close()


def _read_with_pdfium(
    document: _Document, data: bytes, limits: Limits, known: PagesKnown
) -> list[str]:
    check_pages(len(document), limits)
    known(len(document))
    texts: list[str] = []
    failed: list[int] = []
    characters = 0
    for index in range(len(document)):
        text = _page_text(document, index)
        if text is None:
            failed.append(index)
        texts.append(text or "")
        characters += len(texts[-1])
        check_characters(characters, limits)
    for index, text in pdf_structure.read_pages(data, failed, limits).items():
        texts[index] = text
    return texts


def _page_text(document: _Document, index: int) -> str | None:
    """The text in PDFium's order; None when the page cannot be read.

    `get_text_range`, because `get_text_bounded` drops some line breaks and glues the words.
    """
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    try:
        return str(text_page.get_text_range())
    finally:
        text_page.close()
        page.close()
