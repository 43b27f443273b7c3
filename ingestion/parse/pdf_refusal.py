"""Why PDFium does not open a PDF, in words for its owner."""

import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]  # generated, untyped

from ingestion.errors import DocumentRejected
from ingestion.parse.locked import locked

_LOCKED = frozenset({pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY})


def refusal(error_code: int | None = None, password: str | None = None) -> DocumentRejected:
    """`encrypted` or `corrupt`, from PDFium's code and the password that was tried."""
    if error_code in _LOCKED:
        return locked("The PDF", password)
    return DocumentRejected(
        "The PDF is damaged and cannot be opened. Open and save it again, or export it anew.",
        code="corrupt",
    )
