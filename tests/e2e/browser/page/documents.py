"""What the owner of these tests uploads, and what the model says about it."""

from io import BytesIO

import docx
import openpyxl
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

QUESTION = "What dividend does the board propose?"
REPLY = "The board proposes a dividend of **0.85 euro** a share [1]. The cat likes fish a lot."
SUPPORTED = "The board proposes a dividend of 0.85 euro a share."

TEXT = f"""# Annual report 2025

## Employees

Northwind employed 1,204 people at the end of 2025, 96 more than a year before. \U0001f600

## Dividend

{SUPPORTED}
""".encode()

_PAGES = (
    ("Employees", "Northwind employed 1,204 people at the end of 2025."),
    ("Dividend", SUPPORTED),
    ("Outlook", "The group expects a quiet year."),
)


def report_pdf() -> bytes:
    """Three pages; the dividend stands on the second."""
    target = BytesIO()
    canvas = Canvas(target, pagesize=A4)
    for heading, sentence in _PAGES:
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(72, 740, heading)
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 700, sentence)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def long_pdf(pages: int, lines: int = 45) -> bytes:
    """Pages full of sentences that are all different: some 600 tokens each."""
    target = BytesIO()
    canvas = Canvas(target, pagesize=A4)
    for page in range(1, pages + 1):
        for line in range(lines):
            place = f"Plant {page}-{line} made {page * 97 + line * 13} pumps"
            canvas.drawString(72, 780 - 16 * line, f"{place} and sold {page * 31 + line * 7}.")
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def word_file() -> bytes:
    """The report as Word has it."""
    document = docx.Document()
    document.add_heading("Annual report 2025", 1)
    document.add_heading("Dividend", 2)
    document.add_paragraph(SUPPORTED)
    return _saved(document)


def workbook() -> bytes:
    """The dividend in a table."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Dividend"
    for row in (("Subject", "Statement"), ("Dividend", SUPPORTED)):
        sheet.append(row)
    return _saved(book)


def _saved(file: "docx.document.Document | openpyxl.Workbook") -> bytes:
    out = BytesIO()
    file.save(out)
    return out.getvalue()
