"""A PDF that needs a password."""

import io

from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas


def locked(password: str) -> bytes:
    """A page about a rent."""
    plain, out = io.BytesIO(), io.BytesIO()
    canvas = Canvas(plain)
    canvas.drawString(72, 700, "The rent is EUR 900.")
    canvas.save()
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt(password, algorithm="AES-256")
    writer.write(out)
    return out.getvalue()
