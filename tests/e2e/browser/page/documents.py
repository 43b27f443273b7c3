"""What the owner of these tests uploads, and what the model says about it."""

from io import BytesIO

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
