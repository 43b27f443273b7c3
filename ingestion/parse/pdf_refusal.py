"""Why PDFium does not open a PDF, in words for its owner."""

import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]  # generated, untyped

from ingestion.errors import DocumentRejected

_LOCKED = frozenset({pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY})


def refusal(error_code: int | None) -> DocumentRejected:
    """`encrypted` or `corrupt`, from PDFium's code."""
    if error_code in _LOCKED:
        return DocumentRejected(
            "The PDF needs a password. Save a copy without one and upload that.", code="encrypted"
        )
    return DocumentRejected(
        "The PDF is damaged and cannot be opened. Open and save it again, or export it anew.",
        code="corrupt",
    )
